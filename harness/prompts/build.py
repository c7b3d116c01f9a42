"""Sample and shots -> prompt: templates filled strictly, shots chosen, continued text or a conversation.

A variable that a row lacks is an error, never an empty string. Every newline is kept, since a prompt's last characters
decide what a model writes next. Templates may come from strangers: `bounded` limits what they may compute.

Shots come from another split, which may hold the very row that is being answered, with its answer. Such a row is left
out and the next one takes its place, so that every prompt has as many shots as the page sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from random import Random
from typing import Any, TypeVar

from harness.config.schema import FewShot, PromptSpec, TextPromptSpec
from harness.datatypes import ChatPrompt, Message, Prompt, Style, TextPrompt
from harness.errors import ConfigError, DataError
from harness.prompts.bounded import Fault, fill, syntax_fault

Variables = Mapping[str, Any]
Item = TypeVar("Item")


# --- templates -----------------------------------------------------------------------------------


def render(template: str, variables: Variables) -> str:
    """Fill `template`.

    Raises ConfigError for bad syntax, DataError for a variable that the row lacks or has as null, for a template that
    fails or costs too much, and for a text that is no Unicode (a lone surrogate).
    """
    filled = fill(template, variables)
    if isinstance(filled, Fault):
        raise _error(filled, variables)
    if not filled.isascii():
        try:
            filled.encode()
        except UnicodeEncodeError as error:
            half = f"\\u{ord(filled[error.start]):04x}"
            raise DataError(
                f"the text contains {half}, half a character (a lone surrogate), which no model can be given; "
                "repair the row"
            ) from None
    return filled


def check_syntax(template: str) -> None:
    """Raise ConfigError if `template` does not parse or uses a filter that does not exist."""
    if (fault := syntax_fault(template)) is not None:
        raise _error(fault, {})


def _error(fault: Fault, variables: Variables) -> ConfigError | DataError:
    if fault.kind == "syntax":
        return ConfigError(f"the template does not parse: {fault.message}")
    if fault.kind == "undefined":
        names = ", ".join(sorted(map(str, variables)))
        return DataError(f"the template needs something that is not there: {fault.message}; known: {names}")
    if fault.kind == "null":
        nulls = ", ".join(sorted(str(name) for name, value in variables.items() if value is None))
        columns = f" (null here: {nulls})" if nulls else ""
        return DataError(
            f"a value that the template prints is null in this row{columns}; "
            "{{ x if x is not none else '' }} sets what to print instead"
        )
    return DataError(f"the template cannot be filled: {fault.message}")


# --- prompts -------------------------------------------------------------------------------------


def pick_style(spec: PromptSpec, wanted: Style, insists: bool) -> Style:
    """The style of a page's prompts for a model of style `wanted`; `insists`: the user named that style.

    A chat model can continue plain text, so a page with only `text` is used as text unless the user chose chat; a
    base model has no template for a page with only `chat`. Raises ConfigError where it does not fit.
    """
    if wanted == "chat" and spec.chat is None:
        if insists:
            raise ConfigError("the page has only a text prompt, but chat was requested; add prompt.chat")
        return "text"
    if wanted == "text" and spec.text is None:
        why = "text prompts were requested" if insists else "this model has no chat template"
        raise ConfigError(f"the page has only a chat prompt, but {why}; add prompt.text")
    return wanted


def build_prompt(spec: PromptSpec, style: Style, question: Variables, shots: Sequence[Variables]) -> Prompt:
    """Render one prompt. Raises ConfigError or DataError."""
    if style == "text":
        assert spec.text is not None
        return TextPrompt(_text(spec.text, question, shots))
    chat = spec.chat
    assert chat is not None
    messages = [Message("system", render(chat.system, question))] if chat.system else []
    for shot in shots:
        messages.append(Message("user", render(chat.user, shot)))
        messages.append(Message("assistant", render(chat.target, shot)))
    messages.append(Message("user", render(chat.user, question)))
    return ChatPrompt(tuple(messages), render(chat.prefill, question))


def question_text(spec: PromptSpec, style: Style, question: Variables) -> str:
    """The question alone, without shots. Raises ConfigError or DataError."""
    if style == "text":
        assert spec.text is not None
        return render(spec.text.template, question)
    assert spec.chat is not None
    return render(spec.chat.user, question)


def stop_strings(spec: PromptSpec, style: Style) -> tuple[str, ...]:
    """Where an answer in this style ends, besides the model's own end tokens."""
    section = spec.text if style == "text" else spec.chat
    assert section is not None
    return tuple(section.stop)


def continuation(spec: PromptSpec, style: Style, variables: Variables) -> str:
    """The continuation whose log-likelihood is requested for one option (`target` with `option` set)."""
    section = spec.text if style == "text" else spec.chat
    assert section is not None
    return render(section.target, variables)


def _text(spec: TextPromptSpec, question: Variables, shots: Sequence[Variables]) -> str:
    blocks = [render(spec.template, shot) + render(spec.target, shot) for shot in shots]
    return spec.separator.join([*blocks, render(spec.template, question)])


# --- few-shot ------------------------------------------------------------------------------------


def choose_shots(
    spec: FewShot | None, pool: Sequence[Item], ids: Sequence[str], same: Sequence[Set[int]]
) -> list[list[Item]]:
    """Return the shots of each question, in data order.

    `ids` are the sample ids of `pool`; `same` has an entry for each question: the places in `pool` of rows that are
    the question itself. `random` is what lm-evaluation-harness does (its default sampler, seed 1234): one generator
    for the whole task, `count` rows drawn for each question in turn; where no row is left out, its choice is the same.
    Raises DataError when the pool is too small or lacks an id.
    """
    if spec is None or spec.count == 0:
        return [[] for _ in same]
    if spec.choose == "ids":
        missing = [name for name in spec.ids if name not in ids]
        if missing:
            raise DataError(f"the split {spec.split!r} has no row with id {missing[0]!r}")
        named = [ids.index(name) for name in spec.ids]
        return [[pool[place] for place in _of_named(spec, named, question)] for question in same]
    if spec.count > len(pool):
        raise DataError(f"{spec.count} shots wanted, but the split {spec.split!r} has {len(pool)} rows")
    places = range(len(pool))
    if spec.choose == "first":
        drawn: list[list[int]] = [list(places[: spec.count]) for _ in same]
    else:
        generator = Random(spec.seed)
        drawn = [generator.sample(places, spec.count) for _ in same]
    chosen = (_without(question, shots, len(pool), spec) for question, shots in zip(same, drawn, strict=True))
    return [[pool[place] for place in shots] for shots in chosen]


def _without(question: Set[int], shots: list[int], rows: int, spec: FewShot) -> list[int]:
    """The shots; each that is the question itself is replaced by the next row that is neither it nor a shot already."""
    if question.isdisjoint(shots):
        return shots
    taken = {*question, *shots}
    kept = []
    for place in shots:
        if place in question:
            after = (candidate % rows for candidate in range(place + 1, place + rows))
            fresh = next((candidate for candidate in after if candidate not in taken), None)
            if fresh is None:
                raise DataError(
                    f"{spec.count} shots wanted, but the split {spec.split!r} has {rows} rows, and "
                    f"{len(question)} of them are a question under test itself"
                )
            taken.add(fresh)
            place = fresh
        kept.append(place)
    if spec.choose == "first":
        kept.sort()
    return kept


def _of_named(spec: FewShot, named: list[int], question: Set[int]) -> list[int]:
    kept = [place for place in named if place not in question][: spec.count]
    if len(kept) < min(spec.count, len(named)):
        same = next(name for name, place in zip(spec.ids, named, strict=True) if place in question)
        raise DataError(
            f"the shot {same!r} of the split {spec.split!r} is a question under test itself, so its answer "
            "would be in its own prompt; name another id, or a spare one after `count` of them"
        )
    return kept
