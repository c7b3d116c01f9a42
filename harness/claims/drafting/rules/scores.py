"""Scores and bounds: "nearly 90% in coding benchmarks", "scores 92.7 on HumanEval", a card's table of results."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from harness.claims.drafting.asserted import (
    counts_errors,
    forbids_reasoning,
    in_range,
    is_spread,
    ranges_in,
    several_answers,
    shots_in,
    spread_after,
    states_several_shots,
)
from harness.claims.drafting.clauses import is_denied, is_hedged, numbers
from harness.claims.drafting.found import Context, Found, not_measured
from harness.claims.drafting.names import COMPARED, mentions, same_model
from harness.claims.drafting.pairing import paired
from harness.claims.drafting.quantities import Bound, Quantity
from harness.claims.drafting.sentences import Sentence, TableRow
from harness.claims.drafting.topics import Topic, tasks_with, topic_of_cell, topics

NEARLY = 0.05
# A smaller number behind a benchmark may be its version
LEAST_BESIDE = 10
# A share is written with two decimals or more: "0.71 on HumanEval"; "0.5" may be either
SHARE_DECIMALS = 2
# "improves by 3.2": how much, and no score
BY = re.compile(r"\bby\s+(?:just |only |about |nearly |almost |some |another |an? (?:\w+ )?)?$", re.IGNORECASE)
# A percentage beside these words is no score
NO_SCORE = re.compile(
    r"\b(?:cost|costs|price|prices|pricing|cheaper|savings?|revenue|market|shares?|stock|faster|slower|reduction|reduc\w+|"
    r"fewer|growth|of users|of developers|tokens?/s|latency|speed-?up|memory|energy|parameters|improvement|improv\w+|"
    r"increase[sd]?|gain(?:s|ed)?|less|drop(?:s|ped)?|data|discount)\b",
    re.IGNORECASE,
)
SCORING = re.compile(
    r"\b(?:scor\w*|reach\w*|achiev\w*|hit(?:s|ting)?|attain\w*|get(?:s|ting)?|obtain\w*|record\w*|post(?:s|ed|ing)?|"
    r"accuracy|pass@\d+|pass rate|solv\w*|reports?|delivers?|averag\w*|is|was|from [\d.]+ ?%? to|with|at|of|on|in)\b",
    re.IGNORECASE,
)


# "MMLU: 67.3%"
MARKED = re.compile(r"(?:[:=]|->|→|=>|\bours?)\s*$")
# "81.1 -> 86.6": the first is what it was
BEFORE_NOW = re.compile(r"\s*%?\s*(?:->|→|=>)\s*\d")
# "beats GPT-4o on HumanEval with 93.5%": the other model is the object
WITH = re.compile(r"\bwith (?:an? )?(?:\w+ ){0,2}(?:of )?$")
# How much further another part of the sentence is
APART = 100
# Words that end what is said of a number
PARTS = re.compile(r"[,;(]| and | with | while | at ")
UNREACHED = re.compile(
    r"(?:\bnot|\bnever|n['’]t|\bcannot|\bfail(?:s|ed|ing)? to)\s+(?:\w+ly )?(?:reach|hit|exceed|achieve|attain|break|"
    r"clear|surpass|score|rise|get)\b[^,;:]{0,25}$",
    re.IGNORECASE,
)
_REACH = re.compile(r"(?:reach|hit|achieve|attain|break|clear|get to)\s*(?:\w+ )?$", re.IGNORECASE)
NOT_REACHED: dict[Bound, Bound] = {"over": "most", "least": "under", "": "under"}
# A number behind these is what the score is compared with
AGAINST = re.compile(r"\b(?:versus|vs\.?|against|from|compared (?:with|to))\s*(?:the |an? )?$", re.IGNORECASE)
OTHERS_AFTER = re.compile(r"\s*(?:for|by|of|from)\s+(?:the |its )?(?:[A-Z]\w+['’]s )?$")
OTHERS_BEFORE = re.compile(
    r"(?:['’]s|:|\b(?:at|with|gets?|got|has|had|scores?|scored|hits|reach\w*|achiev\w*|"
    r"(?:only )?manages))\s*(?:only |just )?\(?$"
)


def find(sentence: Sentence, context: Context) -> list[Found]:
    """Scores of the subject on benchmarks, or on an ability, that the sentence names."""
    text = sentence.text
    about = topics(text)
    named = any(topic.named for topic in about)
    beside = any(_is_beside(text, one) for one in numbers(text)) if named else False
    if not about or not (SCORING.search(text) or beside or (named and re.search(r"[:=]", text))):
        return []
    names = [one.span() for one in re.finditer(re.escape(context.subject), text)]
    own = [
        stated
        for one in numbers(text)
        if not any(start <= one.start < end for start, end in names)
        and _is_score(text, one, named=named)
        and not _is_no_score(text, one)
        and not _is_of_another(text, one, context)
        and (stated := _as_stated(text, one)) is not None
    ]
    ranges = _ranges(text, context) if named else {}
    return [
        claim
        for topic, number in _paired(text, about, [*own, *ranges])
        for spread in [ranges.get(number, spread_after(text, number.end))]
        for claim in _score(sentence, context, topic, _in_percent(number), spread)
    ]


def _ranges(text: str, context: Context) -> dict[Quantity, float]:
    """The middle of each range of percentages ("between 60 and 65 percent"), with half its width in points."""
    found = {}
    for start, end, low, high, percent in ranges_in(text):
        middle = (low + high) / 2
        number = Quantity(middle, "percent", "", start, end, len(f"{middle:g}".partition(".")[2]))
        wrong = counts_errors(text, start) or is_hedged(text, start) or is_denied(text, start)
        wrong = wrong or NO_SCORE.search(_part(text, number)) is not None or _is_of_another(text, number, context)
        if percent and 0 < low < high < 100 and not wrong:
            found[number] = (high - low) / 2
    return found


def _is_no_score(text: str, number: Quantity) -> bool:
    """Whether a number is a share of errors, an end of a range, a half-width, or how much something changed."""
    digits = _digits(text, number)
    if number.kind == "number" and number.value < 1 and number.decimals < SHARE_DECIMALS:
        return True
    return (
        counts_errors(text, number.start)
        or in_range(text, digits)
        or is_spread(text, digits)
        or BY.search(text[:digits]) is not None
    )


def _digits(text: str, number: Quantity) -> int:
    """Where a number begins behind the words that bound it; one in words has no digits."""
    digits = re.search(r"\d", text[number.start : number.end])
    return number.start + (digits.start() if digits else 0)


def _in_percent(number: Quantity) -> Quantity:
    """A score as a percentage: "0.71" is 71 %."""
    if number.kind != "number" or number.value >= 1:
        return number
    return replace(number, value=round(100 * number.value, 9), decimals=number.decimals - 2)


def _as_stated(text: str, number: Quantity) -> Quantity | None:
    """The number with the bound that a negation makes of it ("failed to reach 60%"); None if it is only expected."""
    if is_hedged(text, number.start):
        return None
    digits = _digits(text, number)
    if UNREACHED.search(text[:digits]):
        if number.bound not in NOT_REACHED or (number.bound == "" and not _REACH.search(text[:digits])):
            return None
        return replace(number, bound=NOT_REACHED[number.bound])
    return None if is_denied(text, number.start) else number


def find_in_row(row: TableRow, context: Context) -> list[Found]:
    """The subject's score in a row of a table, with the numbers of all models in it as published."""
    topic = topic_of_cell(row.cells[0]) if row.cells else None
    if topic is None or len(row.header) != len(row.cells) or counts_errors(row.cells[0], 0):
        return []
    places = 0
    values = {
        place: float(match[1])
        for place, cell in enumerate(row.cells[1:], start=1)
        if (match := re.match(r"^(\d{1,3}(?:\.\d+)?)\s*%?$", cell)) and 0 < float(match[1]) < 100
    }
    if values and all(value < 1 for value in values.values()) and "%" not in row.row.text:
        values = {place: round(100 * value, 9) for place, value in values.items()}
        places = -2
    own = next((place for place in values if same_model(row.header[place], context.subject)), None)
    if own is None and len(values) == 1 and not mentions(row.header[next(iter(values))]):
        own = next(iter(values))
    if own is None:
        return []
    printed = row.cells[own].rstrip("% ")
    number = Quantity(
        values[own],
        "percent" if row.cells[own].endswith("%") else "number",
        "",
        0,
        0,
        max(0, len(printed.partition(".")[2]) + places),
    )
    scored = _score(row.row, context, topic, number)
    if not topic.tasks or any(one.keys["test"].get("not_measured") for one in scored):
        return scored
    published = [
        {
            "model": row.header[place],
            "task": scored[0].keys["test"]["tasks"][0],
            "value": round(value / 100, 6),
            "own": place == own,
        }
        for place, value in values.items()
        if place == own or mentions(row.header[place])
    ]
    return [
        Found(
            one.sentence, one.slug, one.reading, one.keys, one.assumed, "a row of a table", published=tuple(published)
        )
        for one in scored
    ]


def _score(
    sentence: Sentence, context: Context, topic: Topic, number: Quantity, spread: float | None = None
) -> list[Found]:
    slug = f"score-{re.sub(r'[^a-z0-9]+', '-', topic.words.casefold().replace('+', 'p')).strip('-')[:24]}"
    shown = f"{number.value:.{max(number.decimals, 0)}f} %"
    words = {
        "": shown,
        "about": f"at least {100 * (number.share - NEARLY):g} % (nearly {shown})",
        "over": f"more than {shown}",
        "least": f"at least {shown}",
        "under": f"less than {shown}",
        "most": f"at most {shown}",
    }[number.bound]
    if not topic.tasks:
        return [not_measured(sentence, slug, f"{context.subject} scores {words} on {topic.words}.", topic.why)]
    shots = shots_in(sentence.text)
    tasks = tasks_with(topic.tasks, shots)
    if why := _another_metric(sentence.text, tasks):
        return [not_measured(sentence, slug, f"{context.subject} scores {words} on {topic.words}.", why)]
    keys: dict[str, Any] = {
        "test": {"metric": topic.metric, "tasks": list(tasks), "aggregate": "each", "about": "benchmark"},
        "relation": "=",
        "threshold": number.share,
    }
    assumed = ["subject.revision", *([] if topic.is_stated and shots is None else ["test.tasks"]), "test.about"]
    if number.bound == "":
        # Half a unit of the last digit that is printed, unless the sentence gives a half-width
        half = round(0.5 * 10 ** -(number.decimals + 2), 8)
        keys["tolerance"] = half if spread is None else max(half, round(spread / 100, 8))
        assumed.append("tolerance")
        if not 0 < number.share - keys["tolerance"] < number.share + keys["tolerance"] < 1:
            return []
    if number.bound == "about":
        keys |= {"relation": ">=", "tolerance": NEARLY}
        assumed.append("tolerance")
    else:
        keys["relation"] = {"": "=", "over": ">", "least": ">=", "under": "<", "most": "<="}[number.bound]
    keys["protocol"] = {"prompt": "chat"} if shots is None else {"shots": shots, "prompt": "chat"}
    within = "" if spread is None else f", give or take {spread:g} points,"
    reading = f"{context.subject} scores {words}{within} on {', '.join(tasks)}."
    return [Found(sentence, slug, reading, keys, (*assumed, "protocol"))]


def _another_metric(text: str, tasks: tuple[str, ...]) -> str:
    """Why a stated score is not that of one answer to each question by the task's page; "" where it may be."""
    if words := several_answers(text):
        return f"{words} counts several answers to each question: write its metric and `protocol: {{samples: ...}}`"
    if states_several_shots(text):
        return "the sentence states several numbers of worked examples: write which is whose as `protocol.shots`"
    if forbids_reasoning(text) and any("cot" in task for task in tasks):
        return f"without a chain of thought, for which {', '.join(tasks)} asks: name a page that asks for the answer"
    return ""


def _is_score(text: str, number: Quantity, *, named: bool) -> bool:
    if not 0 < number.share < 1 or number.kind not in ("percent", "number"):
        return False
    around = text[max(0, number.start - 40) : number.end + 30]
    if number.kind == "number":
        # Without a sign of per cent only a number with a decimal, beside a benchmark, is taken for a score
        return (
            named
            and number.decimals > 0
            and bool(SCORING.search(around) or MARKED.search(text[: number.start]) or _is_beside(text, number))
            and not re.match(r"\s*(?:B|M|K|GB)\b", text[number.end :])
        )
    # Beside a benchmark only the number's own words count: "81% on MMLU with a latency of"
    return not NO_SCORE.search(_part(text, number) if named else around)


def _is_beside(text: str, number: Quantity) -> bool:
    """Whether a number comes right behind its benchmark, as in notes: "LiveCodeBench 58.3"."""
    before = text[: number.start].rstrip(" (*`_")
    return number.value >= LEAST_BESIDE and any(
        topic.named and before.endswith(topic.words) for topic in topics(before)
    )


def _part(text: str, number: Quantity) -> str:
    before, after = text[max(0, number.start - 40) : number.start], text[number.end : number.end + 30]
    return f"{PARTS.split(before)[-1]}{text[number.start : number.end]}{PARTS.split(after)[0]}"


def _paired(text: str, about: list[Topic], numbers: list[Quantity]) -> list[tuple[Topic, Quantity]]:
    """Each number with the benchmark of its clause; an ability with the nearest number."""
    named = [topic for topic in about if topic.named]
    if named:
        return paired(text, named, numbers)
    place = text.find(about[0].words)
    return [(about[0], min(numbers, key=lambda one: _distance(text, one, about[0], place)))] if numbers else []


def _distance(text: str, number: Quantity, topic: Topic, place: int) -> int:
    """Characters between a number and an ability; what is in another part of the sentence is further away."""
    end = place + len(topic.words)
    between = text[number.end : place] if number.end <= place else text[end : number.start]
    return len(between) + (APART if re.search(r"[,;]|\band\b", between) else 0)


def _is_of_another(text: str, number: Quantity, context: Context) -> bool:
    """Whether the number is another's: "GPT-4o's 90.2 %", "(GPT-4o: 90.2)", "versus 80.6% for", "up from 54%"."""
    before, after = text[: number.start], text[number.end :]
    if AGAINST.search(before) or BEFORE_NOW.match(after):
        return True
    behind = [one for one in mentions(after) if OTHERS_AFTER.match(after[: one.start])]
    if behind:
        return not same_model(behind[0].name, context.subject)
    close = before[-45:]
    named = mentions(close)
    if named and COMPARED.search(close[: named[-1].start]) and WITH.search(before):
        return False
    if not named or same_model(named[-1].name, context.subject):
        return False
    return not close[named[-1].end :].strip() or bool(OTHERS_BEFORE.search(close))
