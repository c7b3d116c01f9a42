"""Where in a completion its answer is: behind the reasoning, and the part that extraction took."""

from __future__ import annotations

import re

from harness.reasoning import without_reasoning

_NUMBER = re.compile(r"[-+−]?\d[\d,]*(?:\.\d+)?")

Place = tuple[int, int]


def answer_start(text: str, opened: str = "") -> int:
    """The index where the answer begins behind its reasoning; 0 without any, the end where it is open.

    `opened`: the mark of reasoning that the prompt ended with. Reasoning between parts of an answer is no such thing.
    """
    answer = without_reasoning(opened + text)
    if answer is None:
        return len(text)
    answer = answer.strip()
    return len(text.rstrip()) - len(answer) if answer and text.rstrip().endswith(answer) else 0


def answer_place(answer: str, text: str, *, first: bool = False) -> Place | None:
    """Where the extracted `answer` is in `text`: its last occurrence (`first`: the first), None where it is not there.

    Whole words and whole numbers come before parts of them; a part of a number is none. A number is also found where
    only commas in it differ.
    """
    found = _occurrences(answer, text)
    whole = [place for place in found if not _is_part(text, place, words=True)]
    loose = whole or [place for place in found if not _is_part(text, place, words=False)]
    if not loose and _NUMBER.fullmatch(answer):
        digits = answer.replace(",", "")
        loose = [match.span() for match in _NUMBER.finditer(text) if match.group().replace(",", "") == digits]
    return loose[0 if first else -1] if loose else None


def utf16(text: str, place: Place) -> list[int]:
    """The same place in UTF-16 code units, in which a browser counts."""
    return [len(text[:index].encode("utf-16-le")) // 2 for index in place]


def _occurrences(answer: str, text: str) -> list[Place]:
    places, at = [], text.find(answer) if answer else -1
    while at >= 0:
        places.append((at, at + len(answer)))
        at = text.find(answer, at + len(answer))
    return places


def _is_part(text: str, place: Place, *, words: bool) -> bool:
    """Whether an occurrence is the inside of a longer number or (`words`) of a longer word."""
    start, end = place
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    first, last = text[start], text[end - 1]
    if first.isdigit() and (before[-1:].isdigit() or re.fullmatch(r"\d[.,]", before)):
        return True
    if last.isdigit() and (after[:1].isdigit() or re.fullmatch(r"[.,]\d", after)):
        return True
    return words and ((_is_word(first) and _is_word(before[-1:])) or (_is_word(last) and _is_word(after[:1])))


def _is_word(sign: str) -> bool:
    return sign.isalnum() or sign == "_"
