"""Which number belongs to which benchmark of a sentence: each to the benchmark of its own clause, or to none.

"75% on HumanEval", "65% of MMLU questions", "MMLU: 78.1", "On MBPP it scored 70%", "88.7% and 84.2% on HumanEval and
MBPP". A number never takes a benchmark that has a number of its own, nor one beyond it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.claims.drafting.names import mentions
from harness.claims.drafting.quantities import Quantity
from harness.claims.drafting.topics import Topic

# Between two numbers, or two benchmarks, of one list
_LISTED = re.compile(r"\s*%?\s*(?:,|and|&|/|, and)\s*(?:the )?", re.IGNORECASE)
# Between a benchmark and the number right behind it: "MMLU: 78.1", "MMLU (78.1", "MMLU** | 78.1"
_RIGHT_BEHIND = re.compile(r"[\s:=(*_`|>–—→-]*(?:of |at |is |was )?\s*")
# What is between a number and the benchmark that it is "on" or "of"
_ON = re.compile(
    r"(?:(?!\b(?:and|but|while|whereas|whilst|up from)\b)[^,;:()\d]){0,50}\b(?:on|in|at|for|of|from) (?:the )?(?:\w+ )?"
)
# What says no other number: a half width behind the score, and how many examples are shown
_SIDE = re.compile(r"^\s*\(?\s*(?:±|\+/-|\+-)\s*\d+(?:\.\d+)?\s*(?:%|points?)?\s*\)?|\b\d+-(?=shots?\b)", re.IGNORECASE)
_NEXT = re.compile(r"\s*[(*_`]*")
_QUESTIONS = re.compile(r"\s*(?:\w+ )?(?:questions|problems|tasks|items|exercises|puzzles)\b")
# A benchmark before a number of another clause is not meant
_APART = re.compile(r"[;:]|\b(?:but|while|whereas|whilst)\b|, and\b|\.\s", re.IGNORECASE)
_FAR = 60
Place = tuple[int, int, int]


def paired(text: str, topics: Sequence[Topic], numbers: Sequence[Quantity]) -> list[tuple[Topic, Quantity]]:
    """The benchmarks with their numbers, in the text's order."""
    places = _places(text, topics)
    pairs: dict[int, Quantity] = {}
    left = sorted(numbers, key=lambda one: one.start)

    def take(number: Quantity, topic: int) -> None:
        pairs[topic] = number
        left.remove(number)

    for run in _runs(text, left):
        named = _list_beside(text, run, places)
        if len(named) == len(run):
            pairs |= dict(zip(named, run, strict=True))
        # "On MBPP it scored 70%, and 55% on HumanEval" is no list: each number has a benchmark on its side
        elif any(end <= run[0].start for _, end, _ in places) and any(start >= run[-1].end for start, _, _ in places):
            continue
        left = [one for one in left if one not in run]
    for tie in (_right_behind, _on, _before, _after):
        for number in list(left):
            topic = tie(text, number, places, set(pairs))
            if topic is not None and topic not in pairs:
                take(number, topic)
            elif topic is not None and tie is _on:
                # Its own benchmark has a number: of a second one nothing is known
                left.remove(number)
    return [(topics[place], pairs[place]) for place in sorted(pairs)]


def _places(text: str, topics: Sequence[Topic]) -> list[Place]:
    """Where the benchmarks are named, with their numbers in `topics`; "MMLU" is not in "MMLU-Pro", nor in a name."""
    taken = [(one.start, one.end) for one in mentions(text)]
    found: list[Place] = []
    for index, topic in sorted(enumerate(topics), key=lambda one: -len(one[1].words)):
        for match in re.finditer(re.escape(topic.words), text):
            if not any(start < match.end() and match.start() < end for start, end in taken):
                taken.append(match.span())
                found.append((*match.span(), index))
    return sorted(found)


def _runs(text: str, numbers: Sequence[Quantity]) -> list[list[Quantity]]:
    """Numbers that are listed without a benchmark between them."""
    runs: list[list[Quantity]] = []
    for number in numbers:
        if runs and _LISTED.fullmatch(text[runs[-1][-1].end : number.start]):
            runs[-1].append(number)
        else:
            runs.append([number])
    return [run for run in runs if len(run) > 1]


def _list_beside(text: str, run: Sequence[Quantity], places: Sequence[Place]) -> list[int]:
    """The list of benchmarks behind a list of numbers, else the one before it."""
    lists: list[list[Place]] = []
    for place in places:
        if lists and _LISTED.fullmatch(text[lists[-1][-1][1] : place[0]]):
            lists[-1].append(place)
        else:
            lists.append([place])
    behind = [one for one in lists if one[0][0] >= run[-1].end and _ON.fullmatch(text[run[-1].end : one[0][0]])]
    before = [one for one in lists if one[-1][1] <= run[0].start]
    chosen = behind[:1] or before[-1:]
    return [index for _, _, index in chosen[0]] if chosen else []


def _right_behind(text: str, number: Quantity, places: Sequence[Place], taken: set[int]) -> int | None:
    before = [(end, i) for _, end, i in places if end <= number.start]
    return next((i for end, i in before if _RIGHT_BEHIND.fullmatch(text[end : number.start])), None)


def _on(text: str, number: Quantity, places: Sequence[Place], taken: set[int]) -> int | None:
    """The benchmark that follows the number in its own clause."""
    after = [(start, end, i) for start, end, i in places if start >= number.end]
    if not after:
        return None
    start, end, index = after[0]
    between = _SIDE.sub("", text[number.end : start])
    questions = _QUESTIONS.match(text, end) and not re.search(r"[,;:()]|\band\b", between)
    return index if _ON.fullmatch(between) or _NEXT.fullmatch(between) or questions else None


def _before(text: str, number: Quantity, places: Sequence[Place], taken: set[int]) -> int | None:
    """The nearest benchmark before the number: one with a number of its own is the end of the search."""
    before = [(start, end, i) for start, end, i in places if end <= number.start]
    if not before:
        return None
    _, _, index = before[-1]
    return None if index in taken else index


def _after(text: str, number: Quantity, places: Sequence[Place], taken: set[int]) -> int | None:
    """The next benchmark, where no number and no other clause begins before it."""
    after = [(start, i) for start, _, i in places if start >= number.end]
    if not after:
        return None
    start, index = after[0]
    between = text[number.end : start]
    near = len(between) <= _FAR and not _APART.search(between) and not re.search(r"\d", between)
    return index if near and index not in taken else None
