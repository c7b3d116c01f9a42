"""`--perturb options`: questions with options, whose options come in another order under the same letters.

The right answer moves along. Where the prompt shows no options (each is scored as a continuation), the order can change
no score, and the drop is a control that must be 0. Options such as "none of these" stay in their place. Guarantees: the
page makes the same options of the changed row, in the new order, with the same one right; the prompt has the same
characters, in another order. Samples are left out where an option or the question refers to options by letter or place.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from string import ascii_uppercase
from typing import Any, get_args

from harness.config.task_page import TaskPage
from harness.datatypes import Choice, Style
from harness.errors import ConfigError, DataError
from harness.perturb.base import LeftOut, Original, Perturbation, PerturbOptions, Variant
from harness.perturb.option_columns import changed, gold_values, moved, option_places
from harness.prompts.build import question_text

VERSION = 1
_OF_ALL = re.compile(
    r"\b(?:all|none|both|any|some|neither|either|two|more than one) of (?:the |these |those )?"
    r"(?:above|these|them|those|following|others?|options|choices|answers|statements|preceding|given|listed)\b"
    r"|\b(?:all|none|both|neither|either) (?:the )?(?:above|these|those|preceding)\b"
    r"|\bnot given\b|\bcannot be determined\b|^\W*(?:none|all|both|neither)\W*$|\bthe above\b|\ball are\b|\bnone are\b",
    re.IGNORECASE,
)
_ABOVE = re.compile(r"\b(?:above|preceding)\b", re.IGNORECASE)
# "Both A and B", "A, C", "(a) or (b)", "all except C", "option B": of single capitals, or of letters in brackets
_BY_LETTER = re.compile(
    r"(?<![\w'])(?:\([A-Ja-j]\)|[A-J])\s*(?:,|&|/|and|or)\s*(?:(?:and|or)\s+)?(?:\([A-Ja-j]\)|[A-J])(?![\w'])"
    r"|\b(?:both|neither|either|only|except|but)\s+(?:\([A-Ja-j]\)|[A-J])(?![\w'.])"
    r"|\b(?:both|neither|either)\s+[a-j]\s+(?:and|nor|or)\s+[a-j]\b"
    r"|\b(?i:options?|choices?|answers?)\s+\(?[A-Ja-j1-9]\)?(?![\w'])"
)
_ASKED_BY_PLACE = re.compile(
    r"\b(?:options?|choices?|answers?)\s+\(?(?:[A-J]\b|[1-9]\b)|\b(?:first|second|third|fourth|last|previous)\s+"
    r"(?:option|choice|answer)\b",
    re.IGNORECASE,
)
# Draws until an order is found that was not drawn before
_TRIES = 200


@dataclass(frozen=True, slots=True)
class Shuffled:
    """Brings the options of a sample into other orders."""

    about: str = "options in another order"

    @property
    def identity(self) -> Mapping[str, Any]:
        """The version of the rules."""
        return {"by": "options", "version": VERSION}

    def refusal(self, page: TaskPage) -> str:
        """Return why a task has no options of its rows."""
        choice = page.reference.choice
        if choice is None:
            return "it has no options (`reference.choice`) whose order could change"
        if not isinstance(choice.options, str) and not any("{{" in each for each in choice.options):
            return "its options are the page's own, the same for each row; only options of a row can change places"
        return ""

    def variants(self, original: Original, draws: int, random: Random) -> Sequence[Variant] | LeftOut:
        """Draw orders that differ from the original's and from one another; two options have one other order."""
        reference = original.sample.reference
        assert isinstance(reference, Choice)
        free = _free_places(reference.options)
        if isinstance(free, LeftOut):
            return free
        texts = list(_shown(original, original.columns))
        if any(_ASKED_BY_PLACE.search(_without(text, reference.options)) for text in _questions(original)):
            return LeftOut("the question refers to options by their place")
        places = option_places(original.columns, reference.options)
        if places is None:
            return LeftOut("the row has its options in no columns of their own")
        # Whether the right option can be followed may not depend on the orders that are drawn
        turned = list(range(len(reference.options)))
        for place, source in zip(free, [*free[1:], free[0]], strict=True):
            turned[place] = source
        made: list[Variant] = []
        probe = _reordered(original, reference, turned, moved(original.columns, reference.options, places, turned))
        if isinstance(probe, LeftOut):
            return probe
        for order in _orders(reference.options, free, draws, random):
            columns = _reordered(original, reference, order, moved(original.columns, reference.options, places, order))
            if isinstance(columns, LeftOut):
                return columns
            if fault := _fault(texts, list(_shown(original, columns)), reference.options):
                return LeftOut(fault)
            made.append(Variant(columns, "shuffled"))
        return made or LeftOut("its options are all alike")


def _free_places(options: Sequence[str]) -> list[int] | LeftOut:
    """The places whose options can change with one another."""
    if any(_BY_LETTER.search(option) for option in options):
        return LeftOut("an option refers to others by their letter")
    fixed = [place for place, option in enumerate(options) if _OF_ALL.search(option)]
    if any(_ABOVE.search(options[place]) and place < len(options) - 1 for place in fixed):
        return LeftOut("an option refers to those above it, and others are below")
    free = [place for place in range(len(options)) if place not in fixed]
    return free if len(free) > 1 else LeftOut("fewer than two of its options can change places")


def _orders(options: Sequence[str], free: Sequence[int], draws: int, random: Random) -> Iterator[list[int]]:
    """Yield up to `draws` orders; option `order[i]` comes to place i. Equal options make equal orders."""
    seen = {tuple(options)}
    most = math.factorial(len(free)) // math.prod(math.factorial(n) for n in Counter(options[i] for i in free).values())
    for _ in range(min(draws, most - 1)):
        for _ in range(_TRIES):
            order = list(range(len(options)))
            for place, source in zip(free, random.sample(free, len(free)), strict=True):
                order[place] = source
            texts = tuple(options[source] for source in order)
            if texts not in seen:
                seen.add(texts)
                yield order
                break


def _reordered(
    original: Original, reference: Choice, order: Sequence[int], values: Mapping[tuple[str, ...], Any]
) -> dict[str, Any] | LeftOut:
    """The columns in the new order, of which the page makes the reference that is wanted; or why it does not."""
    new = [order.index(place) for place in reference.right]
    wanted = Choice(tuple(reference.options[source] for source in order), new[0], tuple(new[1:]))
    plain = changed(original.columns, values)
    if _makes(original, plain, wanted):
        return plain
    if len(new) > 1:
        return LeftOut("several of its options are right, and where the row says so is not known")
    golds = list(gold_values(original.columns, reference.gold, new[0], len(order)))
    for path, value in golds:
        columns = changed(original.columns, {**values, path: value})
        if _makes(original, columns, wanted):
            return columns
    return LeftOut("where the row says which option is right is not known")


def _makes(original: Original, columns: Mapping[str, Any], wanted: Choice) -> bool:
    """Whether the page makes this reference of the columns, and a gold completion that names the new letter."""
    try:
        bound = original.bind(columns)
    except DataError:
        return False
    if bound.reference != wanted:
        return False
    before, after = original.sample.gold, bound.gold
    if before is None or after is None or not isinstance(original.sample.reference, Choice):
        return before == after
    old, new = (ascii_uppercase[index] for index in (original.sample.reference.gold, wanted.gold))
    letter = re.compile(rf"(?<!\w){old}(?!\w)", re.IGNORECASE)
    # A gold completion that writes the option's text is the same in every order
    return old == new or before != after or not letter.search(before)


def _questions(original: Original) -> Iterator[str]:
    """The texts of the row that are no options: a question may say "option B"."""
    for key, value in original.columns.items():
        if isinstance(value, str) and (
            "question" in key.lower() or key in ("query", "stem", "Problem", "goal", "premise")
        ):
            yield value


def _without(text: str, options: Sequence[str]) -> str:
    for option in options:
        text = text.replace(option, "")
    return text


def _shown(original: Original, columns: Mapping[str, Any]) -> Iterator[str]:
    """The question as the page's prompts show it; none where the prompt is of one option."""
    choice = original.page.reference.choice
    if choice is None or choice.options_in == "prompt":
        return
    # What templates use of a bound row
    variables = original.bind(columns).inputs
    for style in get_args(Style):
        if getattr(original.page.prompt, style) is not None:
            yield question_text(original.page.prompt, style, variables)


def _fault(before: Sequence[str], after: Sequence[str], options: Sequence[str]) -> str:
    """Why the prompt is not the one in another order; "" where it is."""
    for old, new in zip(before, after, strict=True):
        if Counter(old) != Counter(new):
            return "the prompt changes in more than the order of the options"
        if old == new and all(option in old for option in options):
            return "the text of the question holds the options"
    return ""


def build(options: PerturbOptions) -> Perturbation:
    """Build the perturbation. Raises ConfigError for a file, of which it takes nothing."""
    if options.file is not None:
        raise ConfigError("--perturb-file has no effect with --perturb options; leave it out")
    return Shuffled()
