"""Which examples are a question under test itself, where they are rows of other data or written in the page.

Such rows need not have the columns of the task's own, and have no reference: only what they ask can be compared.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from harness.config.task_page import PromptSpec
from harness.datatypes import Style
from harness.errors import DataError
from harness.prompts.bounded import planned
from harness.prompts.build import Variables, render


def compared(
    spec: PromptSpec, style: Style, shots: Sequence[Variables], questions: Sequence[Variables]
) -> tuple[list[Hashable], list[set[Hashable]]]:
    """Return a content for each example, and for each question all contents of examples that would be it.

    An example is compared by the question's template, filled with its columns. Where they do not fill it, by its own
    template (`shot`), filled with the question's columns too; where that cannot be filled, by the columns that both
    have and the question's template reads, or by the two texts where there are none.
    """
    if style == "text":
        assert spec.text is not None
        template, own = spec.text.template, spec.text.shot or spec.text.template
    else:
        assert spec.chat is not None
        template, own = spec.chat.user, spec.chat.shot or spec.chat.user
    contents: list[Hashable] = [_filled(template, shot) for shot in shots]
    texts: list[set[Hashable]] = [set[Hashable]({_filled(template, question)}) - {None} for question in questions]
    others = [place for place, content in enumerate(contents) if content is None]
    if not others:
        return contents, texts
    as_example = [_filled(own, question) for question in questions]
    if None not in as_example:
        for place in others:
            contents[place] = ("example", _filled(own, shots[place]))
        for known, text in zip(texts, as_example, strict=True):
            known.add(("example", text))
        return contents, texts
    read = sorted(planned(template).names)
    for place in others:
        shot = shots[place]
        columns = [name for name in read if name in shot and all(name in question for question in questions)]
        contents[place] = _values(columns, shot) if columns else _filled(own, shot)
        if columns:
            for known, question in zip(texts, questions, strict=True):
                known.add(_values(columns, question))
    return contents, texts


def _filled(template: str, variables: Variables) -> str | None:
    """The text with its white space folded; None where the row does not fill the template."""
    try:
        return _folded(render(template, variables))
    except DataError:
        return None


def _values(columns: Sequence[str], row: Variables) -> Hashable:
    return tuple((name, _folded(str(row[name]))) for name in columns)


def _folded(text: str) -> str:
    return " ".join(text.split())
