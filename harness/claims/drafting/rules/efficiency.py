"""Speed, memory, energy and rank: statements that nothing here measures, listed with the reason."""

from __future__ import annotations

import re

from harness.claims.drafting.clauses import numbers
from harness.claims.drafting.found import Context, Found, not_measured
from harness.claims.drafting.sentences import Sentence

KINDS = {
    "speed": (
        re.compile(
            r"\b(?:faster|speed-?up|tokens? per second|tokens?/s|latency|throughput|inference speed|quicker)\b", re.I
        ),
        "speed depends on the machine and the server: `harness run` shows tokens/s of your own",
    ),
    "memory": (
        re.compile(
            r"\b(?:less memory|memory (?:footprint|use|usage)|GB of (?:V?RAM|memory)|fits? (?:on|in) an? )\b", re.I
        ),
        "`harness models inspect MODEL` shows what the weights and the cache need",
    ),
    "energy": (re.compile(r"\b(?:energy|carbon|watts?|electricity)\b", re.I), "nothing here measures energy"),
    "training-data": (
        re.compile(
            r"\b(?:pre-?)?train(?:ed|ing) (?:\S+ ){0,4}?on (?:over |more than |some |about |approximately )?\d[\d.]*\s*"
            r"(?:trillion|billion|T|B)\b",
            re.I,
        ),
        "what a model was trained on cannot be measured from outside",
    ),
}
BEST = re.compile(
    r"\b(?:state[- ]of[- ]the[- ]art|SOTA|the (?:world'?s )?(?:best|strongest|most (?:powerful|capable)) "
    r"(?:open|small|model|language|coding)|"
    r"best[- ]in[- ]class|ranks? (?:first|#?1|number one)|top of the leaderboard|tops? the)\b",
    re.IGNORECASE,
)
# The number of such a statement is at most so many characters away
NEAR = 30
PREDICTION = re.compile(r"\b(?:promises|could|might|may|will|would|hopes?|expects?)\b", re.IGNORECASE)


def find(sentence: Sentence, context: Context) -> list[Found]:
    """Statements with a number, or of a rank, outside what this project measures."""
    text = sentence.text
    if PREDICTION.search(text):
        return []
    reading = f"{text.rstrip('.')}."
    for slug, (pattern, why) in KINDS.items():
        match = pattern.search(text)
        # What a model was trained on has its number in the pattern
        if match and (
            slug == "training-data"
            or any(one.end - match.start() >= -NEAR and one.start - match.end() <= NEAR for one in numbers(text))
        ):
            return [not_measured(sentence, slug, reading, why)]
    if BEST.search(text) and not context.compared_in(text):
        why = "a rank among all models needs a run of each of them under one protocol; name some as comparators"
        return [not_measured(sentence, "best", reading, why)]
    return []
