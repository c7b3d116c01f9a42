"""Sample and shots -> prompt: templates filled strictly, shots chosen, continued text or a conversation.

A variable that a row lacks is an error, never an empty string. Every newline is kept, since a prompt's last characters
decide what a model writes next. Templates may come from strangers: `bounded` limits what they may compute.

Shots come from another split, which may hold the very row that is being answered, with its answer. Such a row is left
out and the next one takes its place, so that every prompt has as many shots as the page sets.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence, Set
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from harness.config.task_page import FewShot, PromptSpec, TextPromptSpec
from harness.datatypes import ChatPrompt, Message, Prompt, Style, TextPrompt
from harness.errors import ConfigError, DataError
from harness.prompts.bounded import Fault, bare_value, fill, syntax_fault

Variables = Mapping[str, Any]
Item = TypeVar("Item")
# Of a value that is taken as it is
DEEPEST_VALUE = 32


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


def render_value(template: str, variables: Variables) -> Any:
    """Return the value of a template that is one `{{ expression }}`: a list, a number, a text, a mapping.

    Raises ConfigError for any other text, and what `render` raises.
    """
    as_json = _as_json(template)
    check_syntax(template)
    value = bare_value(template.strip(), variables)
    return value if _is_json(value) else json.loads(render(as_json, variables))


def _is_json(value: Any, depth: int = 0) -> bool:
    """Whether a list, mapping or text would be the same after it was written as JSON and read again."""
    if type(value) is list:
        return depth < DEEPEST_VALUE and all(_is_json(each, depth + 1) for each in value)
    if type(value) is dict:
        return depth < DEEPEST_VALUE and all(
            type(key) is str and _is_json(each, depth + 1) for key, each in value.items()
        )
    return type(value) in (str, int, float, bool) or (value is None and depth > 0)


def is_expression(template: str) -> bool:
    """Whether a template is one `{{ expression }}` and nothing else, so that `render_value` takes it."""
    text = template.strip()
    return text.startswith("{{") and text.endswith("}}") and "{{" not in text[2:] and "{%" not in text


def _as_json(template: str) -> str:
    if not is_expression(template):
        raise ConfigError("expected one {{ expression }} and nothing else, such as '{{ choices.text }}'")
    return "{{ (" + template.strip()[2:-2].strip("-") + ") | tojson }}"


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


def pick_style(spec: PromptSpec, wanted: Style, insists: bool, *, either: bool = False) -> Style:
    """The style of a page's prompts for a model of style `wanted`; `insists`: the user named that style.

    A chat model can continue plain text, so a page with only `text` is used as text unless the user chose chat; a
    base model has no template for a page with only `chat`; without a model (`either`: answers from a file) there is
    none to be missed. Raises ConfigError where it does not fit.
    """
    if wanted == "chat" and spec.chat is None:
        if insists:
            raise ConfigError("the page has only a text prompt, but chat was requested; add prompt.chat")
        return "text"
    if wanted == "text" and spec.text is None:
        if insists:
            raise ConfigError(
                "the page has only a chat prompt, but text prompts were requested: leave out the style or take chat "
                "(--style chat), or add prompt.text to the page"
            )
        if not either:
            raise ConfigError(
                "the page has only a chat prompt, but this model has no chat template: take a model that has one, or "
                "add prompt.text to the page"
            )
        return "chat"
    return wanted


@dataclass(frozen=True, slots=True)
class ShotText:
    """An example as text: its question and its answer."""

    question: str
    answer: str


def shot_text(spec: PromptSpec, style: Style, shot: Variables) -> ShotText:
    """Render one example. Raises ConfigError or DataError."""
    if style == "text":
        assert spec.text is not None
        template = spec.text.template if spec.text.shot is None else spec.text.shot
        return ShotText(render(template, shot), render(spec.text.target, shot))
    assert spec.chat is not None
    template = spec.chat.user if spec.chat.shot is None else spec.chat.shot
    return ShotText(render(template, shot), render(spec.chat.target, shot))


def build_prompt(spec: PromptSpec, style: Style, question: Variables, shots: Sequence[ShotText]) -> Prompt:
    """Render one prompt. Raises ConfigError or DataError."""
    if style == "text":
        assert spec.text is not None
        return TextPrompt(_text(spec.text, question, shots))
    chat = spec.chat
    assert chat is not None
    messages = [Message("system", render(chat.system, question))] if chat.system else []
    last = render(chat.user, question)
    if chat.one_turn:
        messages.append(Message("user", chat.separator.join([*(shot.question + shot.answer for shot in shots), last])))
    else:
        for shot in shots:
            messages += [Message("user", shot.question), Message("assistant", shot.answer)]
        messages.append(Message("user", last))
    return ChatPrompt(tuple(messages), render(chat.prefill, question), tuple(sorted(chat.template_options.items())))


def question_text(spec: PromptSpec, style: Style, question: Variables) -> str:
    """The question alone, without shots. Raises ConfigError or DataError."""
    if style == "text":
        assert spec.text is not None
        return render(spec.text.template, question)
    assert spec.chat is not None
    return render(spec.chat.user, question)


def stop_strings(spec: PromptSpec, style: Style, question: Variables) -> tuple[str, ...]:
    """Where an answer in this style ends, besides the model's own end tokens. Raises ConfigError or DataError."""
    section = spec.text if style == "text" else spec.chat
    assert section is not None
    # Any other text is no template: "{%" and "{#" are stop strings of code
    return tuple(render(stop, question) if "{{" in stop else stop for stop in section.stop)


def continuation(spec: PromptSpec, style: Style, variables: Variables) -> str:
    """The continuation whose log-likelihood is requested for one option (`target` with `option` set)."""
    section = spec.text if style == "text" else spec.chat
    assert section is not None
    return render(section.target, variables)


def _text(spec: TextPromptSpec, question: Variables, shots: Sequence[ShotText]) -> str:
    blocks = [shot.question + shot.answer for shot in shots]
    return render(spec.description, question) + spec.separator.join([*blocks, render(spec.template, question)])


# --- few-shot ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shot:
    """A row that may be an example: its id, what templates may use, and its content (None: never a question's own)."""

    id: str
    variables: Variables
    content: Hashable = None


def shots_of(
    spec: FewShot | None, pool: Sequence[Shot], contents: Sequence[Set[Hashable]], questions: Sequence[Variables]
) -> list[list[Shot]]:
    """Return the examples of each question; `questions` are their variables.

    A row whose content is among a question's `contents` is the question itself.

    With `same`, questions and pool are divided by the value in that column and each part is chosen by itself, with a
    generator of its own, as if it were a task. Raises DataError when a pool is too small, or lacks an id or the column.
    """
    if spec is None or spec.same is None:
        return _chosen(spec, pool, contents)
    pools = _by_value(spec.same, [shot.variables for shot in pool])
    shots: list[list[Shot]] = [[] for _ in questions]
    for value, own_questions in _by_value(spec.same, questions).items():
        own = [pool[place] for place in pools.get(value, ())]
        if not own and spec.count:
            raise DataError(f"there is no example with {spec.same} {value!r}")
        for place, chosen in zip(
            own_questions, _chosen(spec, own, [contents[place] for place in own_questions]), strict=True
        ):
            shots[place] = chosen
    return shots


def _by_value(column: str, rows: Sequence[Variables]) -> dict[str, list[int]]:
    """The places of the rows that have each value of a column."""
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        if column not in row:
            raise DataError(f"`same`: a row has no column {column!r}; it has {', '.join(map(str, row))}")
        places.setdefault(str(row[column]), []).append(place)
    return places


def _chosen(spec: FewShot | None, pool: Sequence[Shot], contents: Sequence[Set[Hashable]]) -> list[list[Shot]]:
    places: dict[Hashable, set[int]] = {}
    for place, shot in enumerate(pool):
        places.setdefault(shot.content, set()).add(place)
    same = [frozenset().union(*(places.get(content, ()) for content in own)) for own in contents]
    return choose_shots(spec, pool, [shot.id for shot in pool], same)


def choose_shots(
    spec: FewShot | None, pool: Sequence[Item], ids: Sequence[str], same: Sequence[Set[int]]
) -> list[list[Item]]:
    """Return the shots of each question, in data order.

    `ids` are the sample ids of `pool`; `same` has an entry for each question: the places in `pool` of rows that are
    the question itself. `random` is what lm-evaluation-harness does (its default sampler, seed 1234): one generator
    for the whole task, `count` rows drawn for each question in turn; where no row is left out, its choice is the same.
    With `leave_one_out` one more is drawn and the question left out of them, as there too.
    Raises DataError when the pool is too small or lacks an id.
    """
    if spec is None or spec.count == 0:
        return [[] for _ in same]
    if spec.choose == "ids":
        missing = [name for name in spec.ids if name not in ids]
        if missing:
            raise DataError(f"{_pool(spec)} has no row with id {missing[0]!r}")
        named = [ids.index(name) for name in spec.ids]
        return [[pool[place] for place in _of_named(spec, named, question)] for question in same]
    if spec.count > len(pool):
        raise DataError(f"{spec.count} shots wanted, but {_pool(spec)} has {len(pool)} rows")
    places = range(len(pool))
    if spec.choose == "first":
        drawn: list[list[int]] = [list(places[: spec.count]) for _ in same]
    elif spec.leave_one_out:
        if spec.count == len(pool):
            raise DataError(f"{spec.count} shots and a question wanted, but {_pool(spec)} has {len(pool)} rows")
        generator = Random(spec.seed)
        drawn = [_others(generator, spec.count, places, question) for question in same]
    else:
        generator = Random(spec.seed)
        drawn = [generator.sample(places, spec.count) for _ in same]
    chosen = (_without(question, shots, len(pool), spec) for question, shots in zip(same, drawn, strict=True))
    return [[pool[place] for place in shots] for shots in chosen]


def _pool(spec: FewShot) -> str:
    return f"the split {spec.split!r}" if spec.split else "the page"


def _others(generator: Random, count: int, places: range, question: Set[int]) -> list[int]:
    """Draw one more than `count`, and leave the question out; draw again from the other rows where that is too few."""
    kept = [place for place in generator.sample(places, count + 1) if place not in question][:count]
    if len(kept) < count:
        others = [place for place in places if place not in question]
        if len(others) < count:
            raise DataError(f"{count} shots wanted, but only {len(others)} rows are not the question itself")
        kept = generator.sample(others, count)
    return kept


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
                    f"{spec.count} shots wanted, but {_pool(spec)} has {rows} rows, and "
                    f"{len(question)} of them are a question under test itself, whose answer would be in its own prompt"
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
