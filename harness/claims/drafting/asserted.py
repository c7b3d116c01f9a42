"""What a sentence does not assert, and numbers that are no score of one answer: errors, ranges, votes over answers.

Where one of these words is in the way nothing is drafted: a claim that is missed can be written by hand, one that says
the opposite of its sentence would be believed.
"""

from __future__ import annotations

import re

# A claim of others that the sentence denies, doubts or only repeats
_NOT_ASSERTED = re.compile(
    r"(?:\b(?:not|never|cannot|nobody|no one|none|hardly|without)|n['’]t)\s+(?:\w+ ){0,3}?"
    r"(?:claim\w*|say\w*|mean(?:s|ing)?|suggest\w*|believ\w*|think\w*|impl(?:y|ies|ied|ying)|pretend\w*|assert\w*|"
    r"convinced|evidence|proof|proven|proved|true|clear|the case)\b|"
    r"\b(?:doubt(?:s|ed|ing|ful|fully)?|den(?:y|ies|ied|ying)|disput\w+|sceptic\w*|skeptic\w*|refut\w+|debunk\w*|"
    r"disprov\w+|contest(?:s|ed) (?:that|the claim)|contradict\w*|"
    r"question(?:s|ed|ing)? (?:whether|that|the claim)|allegedly|supposedly|purportedly|rumou?r\w*|"
    r"(?:no|little) (?:evidence|proof|sign)|false(?:ly)? (?:that|claim\w*)|(?:myth|hoax|misleading)\b)",
    re.IGNORECASE,
)
# Shares of answers that are wrong, cut off or missing
_ERRORS = re.compile(
    r"\b(?:errors?|mistakes?|mistaken|hallucinat\w*|wrong(?:ly)?|incorrect\w*|fails?|failed|failing|failures?|"
    r"cut off|truncat\w*|refus\w*|miss(?:es|ed)|timed? ?outs?|invalid|unsolved|unanswered|contaminat\w*|leak\w*|"
    r"overlap\w*)\b(?! to\b)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[;!?]|\.\s|,? \b(?:but|while|whilst|although|though|whereas|yet)\b|, and\b", re.IGNORECASE)
# Several answers to a question, of which one right one, or their majority, counts
_SEVERAL = re.compile(
    r"\bpass\s?@\s?(?!1\b)\d+|\bpass\s?(?:@|\^)\s?k\b|\b(?:maj(?:ority)?|cons|best|bon)\s?@\s?\d+|\bmajority[- ]vot\w*|"
    r"\bmajority of \d+|\bself[- ]consistency|\bconsensus@?\b|\bbest[- ]of[- ](?:\d+|n)\b|"
    r"\bout of \d+ (?:attempts|tries)|"
    r"\b(?:with|in|over) \d+ (?:attempts|tries|samples)\b",
    re.IGNORECASE,
)
_UNIT = r"(?:%|percent|per cent)"
_N = rf"\d+(?:[.,]\d+)?\s*{_UNIT}?"
# "between 70% and 75%", "70-75%": two ends of a range, and no score
_RANGE = re.compile(
    rf"\bbetween\s+{_N}\s+and\s+{_N}|(?<!from )(?<![\w.,]){_N}\s*(?:[-–—]|\bto\b)\s*\d+(?:[.,]\d+)?\s*{_UNIT}",
    re.IGNORECASE,
)
_SPREAD = re.compile(r"\s*(?:%|percent|points?)?\s*\(?\s*(?:±|\+\s?/\s?[-−–])\s*(\d+(?:[.,]\d+)?)")
_SHOTS = re.compile(r"\b(\d+|zero|one|two|three|four|five|eight)[- ]shots?\b", re.IGNORECASE)
_WORDS = {"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "eight": 8}
_NO_REASONING = re.compile(r"\b(?:without|no|non)[- ](?:a )?(?:chain[- ]of[- ]thought|CoT)\b", re.IGNORECASE)


def is_asserted(text: str) -> bool:
    """Whether a sentence states what it says: it is no question, and denies, doubts or repeats no claim."""
    return not text.rstrip("\"”’')]*_ ").endswith("?") and _NOT_ASSERTED.search(text) is None


def counts_errors(text: str, place: int) -> bool:
    """Whether the clause around `place` is about errors: its number is no share of right answers."""
    cuts = [0, *(one.end() for one in _CLAUSE.finditer(text)), len(text)]
    start = max(cut for cut in cuts if cut <= place)
    end = min((one.start() for one in _CLAUSE.finditer(text, place)), default=len(text))
    return _ERRORS.search(text[start:end]) is not None


def several_answers(text: str) -> str:
    """The words for a score of several answers to each question ("pass@10", "majority voting"); "" for none."""
    match = _SEVERAL.search(text)
    return match.group() if match else ""


def in_range(text: str, place: int) -> bool:
    """Whether the number at `place` is an end of a range."""
    return any(one.start() <= place < one.end() for one in _RANGE.finditer(text))


def ranges_in(text: str) -> list[tuple[int, int, float, float, bool]]:
    """The ranges of a text: offsets, the lower and the upper end, and whether they are percentages."""
    found = []
    for one in _RANGE.finditer(text):
        low, high = (float(end.replace(",", ".")) for end in re.findall(r"\d+(?:[.,]\d+)?", one.group()))
        found.append((one.start(), one.end(), low, high, re.search(_UNIT, one.group(), re.IGNORECASE) is not None))
    return found


def spread_after(text: str, place: int) -> float | None:
    """The half-width behind a number that ends at `place`, in its units: 2 for "60% (+/- 2)"."""
    match = _SPREAD.match(text, place)
    return float(match[1].replace(",", ".")) if match else None


def is_spread(text: str, place: int) -> bool:
    """Whether the number at `place` is such a half-width."""
    return re.search(r"(?:±|\+\s?/\s?[-−–])\s*$", text[:place]) is not None


def shots_in(text: str) -> int | None:
    """How many worked examples a sentence states ("5-shot"), None where it states none, or several numbers."""
    found = {_WORDS.get(one.casefold(), int(one) if one.isdigit() else 0) for one in _SHOTS.findall(text)}
    return found.pop() if len(found) == 1 else None


def states_several_shots(text: str) -> bool:
    """Whether different numbers of examples are stated, as in "5-shot MMLU and 0-shot IFEval"."""
    return len({one.casefold() for one in _SHOTS.findall(text)}) > 1


def forbids_reasoning(text: str) -> bool:
    """Whether answers were given without a chain of thought."""
    return _NO_REASONING.search(text) is not None
