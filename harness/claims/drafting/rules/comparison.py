"""Comparisons with models that the sentence names: "outperforms GPT-4o in coding", "on par with", "competitive in"."""

from __future__ import annotations

import re
from typing import Any

from harness.claims.drafting.asserted import counts_errors, several_answers, shots_in, states_several_shots
from harness.claims.drafting.clauses import is_denied, is_hedged, numbers, pieces
from harness.claims.drafting.found import Context, Found, not_measured
from harness.claims.drafting.names import COMPARED, Mention, mentions, same_model
from harness.claims.drafting.quantities import WORDS as WORDS_OF_NUMBERS
from harness.claims.drafting.sentences import Sentence
from harness.claims.drafting.topics import Topic, tasks_with, topics

BETTER = re.compile(
    r"\b(?:out-?perform\w*|outscor\w*|surpass\w*|beat(?:s|ing|en)?|exceed\w*|outclass\w*|outshin\w*|outpac\w*|eclips\w*|"
    r"top(?:s|ped|ping) (?!of\b)|overtak\w*|overtook|best(?:s|ed|ing) (?!of\b)|dethron\w*|outdo\w*|"
    r"edg(?:es?|ed|ing) (?:out|past)|"
    r"(?:better|stronger|higher|smarter|superior|more (?:accurate|capable)) (?:\w+ ){0,4}(?:than|to)|superior to|"
    r"gain(?:s|ed|ing)? (?:[\d.]+|\w+) points? (?:on|in|over)\b|"
    r"points? (?:more than|above)|(?:well |far )?ahead of|leaves? .{0,30} behind|trounc\w*|crush\w*)",
    re.IGNORECASE,
)
EQUAL = re.compile(
    r"\b(?:match(?:es|ed|ing)?|on[- ]par|at par|parity|equal(?:s|led|ling)? (?:to )?|"
    r"(?<!['’]s )(?<!the )(?<!its )(?<!\ba )rival(?:s|led|ling)?(?!,)|comparable|"
    r"similar (?:\w+ ){0,2}(?:to|as)|as (?:good|strong|capable|well) as|equivalent to|neck[- ]and[- ]neck|"
    r"within (?:[\d.]+|\w+) (?:percentage )?points? of|in line with|indistinguishable from)\b",
    re.IGNORECASE,
)
COMPETITIVE = re.compile(r"\bcompetitive\b(?! (?:math|programming|edge|landscape|market|price|pricing))", re.IGNORECASE)
WORSE = re.compile(
    r"\b(?:falls? short of|lag(?:s|ging)? behind|trail(?:s|ing)?|worse than|inferior to|behind|"
    r"lo(?:st|ses?|sing) (?:out )?to|below|"
    r"(?:is|are|was|were|got|gets) (?:beaten|outperformed|surpassed|outscored) by)\b",
    re.IGNORECASE,
)
# A passive is worse, though it has a word for better; of two at one place the first counts
RELATIONS = ((WORSE, "<"), (BETTER, ">"), (EQUAL, "within"), (COMPETITIVE, "non_inferior"))
VERB = re.compile("|".join(pattern.pattern for pattern, _ in RELATIONS), re.IGNORECASE)
OR_BETTER = re.compile(rf"\s*(?:\w+ )?or (?:even )?(?:{BETTER.pattern}|{EQUAL.pattern})", re.IGNORECASE)
PRONOUN = re.compile(r"\b(?:it|they|we|this|the model)\b", re.IGNORECASE)
FLIPPED = {">": "<", "<": ">", "within": "within"}
# Compared with models that the sentence does not name
UNNAMED = re.compile(
    r"\b(?:(?:systems|models|rivals|competitors|giants|alternatives|counterparts|LLMs)\b|OpenAI|Google|Anthropic|Meta|xAI)"
)
KINDS = {"<=": "not-better", ">": "better", "<": "worse", "within": "equal", "non_inferior": "competitive"}
WORDS = {
    ">": "better than",
    "<=": "not better than",
    "<": "worse than",
    "within": "as good as",
    "non_inferior": "not clearly worse than",
}
# Behind these no benchmark of another part of the sentence is meant
EVERYWHERE = re.compile(
    r"\bacross the board\b|\b(?:every|all|each|most|nearly all)(?: of the| our| the)? (?:\w+ )?"
    r"(?:benchmarks?|tests?|tasks?|evaluations?|categories|metrics)\b",
    re.IGNORECASE,
)
# "Compared to GPT-4o, it gains 3 points on MMLU": the first part names whom the second compares with
LEADING = re.compile(r"(?:Compared (?:with|to)|Relative to|Against|Versus|Unlike)\s[^,]{2,60}", re.IGNORECASE)
PRICED = re.compile(r"\b(?:pric\w+|costs?|fees?)\b|[$€£¥]", re.IGNORECASE)
MARGIN = 0.05
# "Comes within two points of"
POINTS_OF = re.compile(
    rf"\bwithin (\d+(?:\.\d+)?|{'|'.join(WORDS_OF_NUMBERS)}) (?:percentage )?points? of", re.IGNORECASE
)
SHOTS_OPEN = "the sentence states several numbers of worked examples: write which is whose as `protocol.shots`"
AT_MOST = re.compile(
    r"\b(?:just|only|merely|mere|barely|scant|narrow\w*|slight\w*|under|up to|at most|less than)\s+(?:an? |some )?$",
    re.IGNORECASE,
)
FURTHER = re.compile(r"\s*(?:better|higher|more|above|ahead|worse|lower|below|behind|less)\b", re.IGNORECASE)
TIMES = re.compile(r"\s*(?:better|higher|more accurate|stronger|as (?:good|accurate))\b", re.IGNORECASE)
# A model named so many characters after "below" is what it compares with
NEAR = 25


def find(sentence: Sentence, context: Context) -> list[Found]:
    """Comparisons with named models; "competitive" also without one, with those that the article names.

    Each relation takes the models of its own part of the sentence, and the topics of that part where it has any.
    """
    text = sentence.text
    found: list[Found] = []
    for start, end in pieces(text, VERB):
        if (stated := _relation(text, start, end)) is None:
            continue
        relation, place = stated
        if counts_errors(text, place):
            continue
        directed = _directed(text[start:end], place - start, relation, context)
        if directed is None:
            continue
        relation, compared = directed
        if not compared and LEADING.fullmatch(text[:start]):
            compared = tuple(context.compared_in(text[:start]))
        if relation == "non_inferior" and (compared or COMPETITIVE.match(text, place)):
            about = topics(text[place:end]) or topics(text)
            found += about_models(sentence, context, relation, about, compared, text[start:end])
        elif compared:
            about = topics(text[start:end]) or ([] if EVERYWHERE.search(text[place:end]) else topics(text))
            found += about_models(sentence, context, relation, about, compared, text[start:end])
        elif relation in FLIPPED and not context.compared_in(text) and UNNAMED.search(text[place:end]):
            found += _unnamed(sentence, context, relation)
    return found


def _relation(text: str, start: int, end: int) -> tuple[str, int] | None:
    """The first relation between two offsets and its place; None for a plan, and for a denial of all but "better"."""
    matches = [
        (match.start(), match, relation)
        for pattern, relation in RELATIONS
        if (match := pattern.search(text, start, end)) is not None
    ]
    if not matches:
        return None
    place, match, relation = min(matches, key=lambda one: one[0])
    named = mentions(text[match.end() : end])
    if match.group().casefold() == "below" and not (named and named[0].start < NEAR):
        return None
    # Of prices less is no worse
    if match.group().casefold() == "below" and PRICED.search(text[start:place]):
        return None
    if is_hedged(text, place):
        return None
    if is_denied(text, place, words=3) or text[:place].casefold().endswith(" no "):
        return ("<=", place) if relation == ">" else None
    if relation in ("within", ">") and OR_BETTER.match(text, match.end(), end):
        return "non_inferior", place
    return relation, place


def _directed(piece: str, place: int, relation: str, context: Context) -> tuple[str, tuple[Mention, ...]] | None:
    """The relation as the subject's, and whom it is compared with; None where another model is compared."""
    named = mentions(piece)
    acting = [one for one in named if one.end <= place and not COMPARED.search(piece[: one.start])]
    after = context.compared_in(piece[place:])
    if (
        acting
        and not same_model(acting[-1].name, context.subject)
        and not PRONOUN.search(piece[acting[-1].end : place])
    ):
        if relation not in FLIPPED or not any(same_model(one.name, context.subject) for one in mentions(piece[place:])):
            return None
        return FLIPPED[relation], (acting[-1],)
    return relation, tuple(after or context.compared_in(piece))


def about_models(
    sentence: Sentence,
    context: Context,
    relation: str,
    about: list[Topic],
    compared: tuple[Mention, ...],
    piece: str,
) -> list[Found]:
    """A claim for what is measured here, all in one, and one for each topic that is not."""
    open_side = not compared
    compared = compared or context.others
    named = " and ".join(one.written for one in compared) or "the models that it is compared with"
    word, kind = WORDS, KINDS[relation]
    measured = [topic for topic in about if topic.tasks]
    found = [
        not_measured(
            sentence,
            f"{kind}-{_slug(topic.words)}",
            f"{context.subject} is {word[relation]} {named} at {topic.words}.",
            topic.why,
        )
        for topic in about
        if not topic.tasks
    ]
    if not about:
        why = f"the sentence names no ability and no benchmark; write the tasks that it should be judged by ({named})"
        return [not_measured(sentence, kind, f"{context.subject} is {word[relation]} {named}.", why)]
    if not measured:
        return found
    shots = shots_in(sentence.text)
    tasks = list(dict.fromkeys(task for topic in measured for task in tasks_with(topic.tasks, shots)))
    if not compared:
        why = "the sentence does not say with which models it compares"
        reading = f"{context.subject} is {word[relation]} {named} on {', '.join(tasks)}."
        return [*found, not_measured(sentence, f"{kind}-{_slug(measured[0].words)}", reading, why)]
    several = several_answers(sentence.text)
    if several or states_several_shots(sentence.text):
        why = f"{several} counts several answers to each question: write its metric" if several else SHOTS_OPEN
        reading = f"{context.subject} is {word[relation]} {named} on {', '.join(tasks)}."
        return [*found, not_measured(sentence, f"{kind}-{_slug(measured[0].words)}", reading, why)]
    metrics = {topic.metric for topic in measured}
    keys: dict[str, Any] = {
        "test": {"metric": metrics.pop() if len(metrics) == 1 else "pass@1", "tasks": tasks, "aggregate": "each"},
        "relation": relation,
    }
    assumed = ["subject.revision", *(["comparators"] if open_side else [])]
    assumed += [] if all(topic.is_stated for topic in measured) and shots is None else ["test.tasks"]
    if relation in ("within", "non_inferior"):
        close = POINTS_OF.search(piece) if relation == "within" else None
        keys["tolerance"] = MARGIN if close is None else _points(close[1]) / 100
        assumed.append("tolerance")
    elif relation != "<=" and (by := _by(piece)):
        keys |= by
        assumed += list(by)
    keys["protocol"] = {"shots": shots or 0, "prompt": "chat"}
    what = f"{context.subject} is {word[relation]} {named} on {', '.join(tasks)}{_by_words(keys)}."
    slug = f"{kind}-{_slug(measured[0].words)}"
    return [*found, Found(sentence, slug, what, keys, (*assumed, "protocol"), comparators=compared)]


def _unnamed(sentence: Sentence, context: Context, relation: str) -> list[Found]:
    """A comparison with models that are not named, at what the sentence is about; nothing where it is about nothing."""
    why = "the sentence does not say with which models it compares: name them as comparators"
    return [
        not_measured(
            sentence,
            f"{KINDS[relation]}-{_slug(topic.words)}",
            f"{context.subject} is {WORDS[relation]} others at {topic.words}.",
            why,
        )
        for topic in topics(sentence.text)[:1]
    ]


def _by(text: str) -> dict[str, float]:
    """How much better the sentence says: points, or a ratio."""
    for one in numbers(text):
        # "By just 1.5 points", "by less than 3": at most so much, which is no least difference
        if one.bound not in ("", "least", "over") or AT_MOST.search(text[: one.start]):
            continue
        after = text[one.end :]
        by = re.search(r"\bby (?:an? )?(?:\w+ )?$", text[max(0, one.start - 12) : one.start].casefold())
        far = one.kind == "points" and (FURTHER.match(after) or re.search(r"\bgain\w*\s+$", text[: one.start]))
        if one.kind in ("points", "percent") and (by or far) and 0 < one.share < 1:
            return {"by": one.share}
        if one.kind == "times" and one.value > 1 and (TIMES.match(after) or re.search(r"as (?:good|accurate)", text)):
            return {"times": one.value}
    return {}


def _points(written: str) -> float:
    word = WORDS_OF_NUMBERS.get(written.casefold())
    return float(written) if word is None else float(word)


def _by_words(keys: dict[str, Any]) -> str:
    if "by" in keys:
        return f", by {100 * keys['by']:g} points"
    return f", {keys['times']:g} times as good" if "times" in keys else ""


def _slug(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", words.casefold().replace("+", "p")).strip("-")[:24].strip("-")
