"""Completion by heart: does the model continue a row word for word more often than our re-phrasing of it?

From three points of each question the model continues greedily; a hit is the next five words exactly (n-gram
completion: Xu et al. 2024, arXiv 2404.18824). Most hits are boilerplate that any model knows, so they are compared with
the hits on the same row with other names (`exchange`), which has the same boilerplate. A row counts once: the test is
the exact sign-flip test of the differences by row, one-sided.

The control compares two re-phrasings of the same row, of which none was published.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.datatypes import (
    ChatPrompt,
    Completion,
    GenerateRequest,
    Message,
    Prompt,
    Reply,
    Sampling,
    Style,
    TextPrompt,
)
from harness.probes.exchange import Names
from harness.probes.requests import request_key
from harness.probes.rows import ProbeTask
from harness.results import BY_HEART, PROBE_LEVEL, ProbeFinding

# Places of a question from which it is continued, as shares of its words
POINTS = (0.3, 0.5, 0.7)
NEXT_WORDS = 5
LEAST_WORDS = 3
# Below this many rows with a name the test is refused
LEAST_ROWS = 20
# Five words, also of a tokenizer that knows few
SAMPLING = Sampling(max_tokens=24)
PUBLISHED, EXCHANGED, AGAIN = 0, 1, 2
INSTRUCTION = "Continue this text word for word from where it ends. Write only what comes next.\n\n"


@dataclass(frozen=True, slots=True)
class Point:
    """One request: the row and arm that it is of, and the words that count as known."""

    row: str
    arm: int
    request: GenerateRequest
    words: tuple[str, ...]


def points(task: ProbeTask, seed: int, style: Style) -> list[Point]:
    """The requests of the rows that have a name to exchange, in all three arms."""
    names = Names([row.question for row in task.rows])
    found: list[Point] = []
    for row in task.rows:
        first, second = (names.exchanged(row.question, f"{seed} {task.name} {row.id} {arm}") for arm in (1, 2))
        if first is None or second is None:
            continue
        for arm, text in enumerate((row.question, first, second)):
            found += _of_text(task.name, row.id, arm, text, style)
    return found


def _of_text(task: str, row: str, arm: int, text: str, style: Style) -> list[Point]:
    words = text.split(" ")
    cuts = sorted({max(LEAST_WORDS, int(share * len(words))) for share in POINTS})
    made = []
    for cut in cuts:
        following = tuple(" ".join(words[cut:]).split()[:NEXT_WORDS])
        if len(following) == NEXT_WORDS:
            prompt = _prompt(" ".join(words[:cut]), style)
            key = request_key("by heart", style, " ".join(words[:cut]))
            made.append(Point(row, arm, GenerateRequest(key, task, row, arm, prompt, SAMPLING), following))
    return made


def _prompt(beginning: str, style: Style) -> Prompt:
    if style == "text":
        return TextPrompt(beginning)
    return ChatPrompt((Message("user", INSTRUCTION + beginning),))


def by_heart_finding(task: ProbeTask, found: Sequence[Point], replies: Mapping[str, Reply]) -> ProbeFinding:
    """The finding of the replies, without the adjusted p. A row with a request that was refused is left out."""
    from harness.stats.permutation import sign_flip_greater

    hits: dict[str, list[int]] = {}
    broken: set[str] = set()
    for point in found:
        reply = replies.get(point.request.key)
        if not isinstance(reply, Completion):
            broken.add(point.row)
            continue
        known = tuple(reply.text.split()[:NEXT_WORDS]) == point.words
        hits.setdefault(point.row, [0, 0, 0])[point.arm] += known
    rows = [counts for row, counts in hits.items() if row not in broken]
    asked = sum(point.arm == PUBLISHED and point.row not in broken for point in found)
    if not rows:
        return ProbeFinding(task.name, BY_HEART, 0, refused="the engine answered no whole row", unanswered=len(broken))
    published, exchanged, again = (sum(counts[arm] for counts in rows) for arm in (PUBLISHED, EXCHANGED, AGAIN))
    differences = [counts[PUBLISHED] - counts[EXCHANGED] for counts in rows]
    control = [counts[EXCHANGED] - counts[AGAIN] for counts in rows]
    return ProbeFinding(
        task.name,
        BY_HEART,
        len(rows),
        (published - exchanged) / asked,
        _least(differences, asked),
        sign_flip_greater(differences),
        p_control=sign_flip_greater(control),
        unanswered=len(broken),
        detail={"points": asked, "published": published, "exchanged": exchanged, "exchanged_again": again},
    )


def _least(differences: Sequence[int], asked: int) -> float:
    """What the test would find with 80 % power; seven rows, all one way, are the least with p <= .01."""
    from harness.stats.intervals import normal_quantile

    moved = math.sqrt(sum(value * value for value in differences))
    return max(7.0, (normal_quantile(1 - 2 * PROBE_LEVEL) + normal_quantile(0.60)) * moved) / asked
