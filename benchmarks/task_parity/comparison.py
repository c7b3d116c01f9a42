"""One page against its task of lm-eval: prompts, settings, scores of the same replies, log-likelihoods."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from random import Random
from typing import Any

from harness.datatypes import Answer, GenerateRequest, Likelihood, LikelihoodRequest, Request, Tests
from task_parity.completions import completions
from task_parity.our_side import OurPage, Pair, pairs, rendered_by_lm_eval, split_as_tokenised
from task_parity.peer import Peer

# What lm-eval's engine for transformers uses where a task sets nothing
DEFAULT_MAX_TOKENS = 256
NEAR = 1e-4
# Of one page that is many tasks
MOST_LIKELIHOODS = 48
DRAWS = 3


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is compared: samples whose completions are scored (of programs fewer), and rows of the real model."""

    samples: int = 24
    programs: int = 6
    judged: int = 200
    recorded: int = 120
    likelihoods: int = 3


@dataclass(slots=True)
class Count:
    """How many of `total` are equal; `unequal` counts the kinds of those that are not, `examples` shows some."""

    equal: int = 0
    total: int = 0
    unequal: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)

    def add(self, same: bool, kind: str, example: str) -> None:
        """Count one."""
        self.total += 1
        self.equal += same
        if not same:
            self.unequal[kind] = self.unequal.get(kind, 0) + 1
            if self.unequal[kind] <= 2:
                self.examples.append(f"[{kind}] {example}")

    def join(self, other: Count) -> None:
        """Count what another has counted."""
        self.equal += other.equal
        self.total += other.total
        for kind, number in other.unequal.items():
            self.unequal[kind] = self.unequal.get(kind, 0) + number
        self.examples += other.examples

    def shown(self) -> str:
        """Return `equal/total`, a dash where nothing was compared."""
        return f"{self.equal}/{self.total}" if self.total else "-"


@dataclass(slots=True)
class Result:
    """What was found of one page. `faults`: what kept it from being compared."""

    page: str
    task: str
    version: str = ""
    tasks: int = 0
    faults: list[str] = field(default_factory=list)
    prompts: Count = field(default_factory=Count)
    chat: Count = field(default_factory=Count)
    chat_form: str = ""
    settings: list[str] = field(default_factory=list)
    scores: dict[str, Count] = field(default_factory=dict)
    only_ours: list[str] = field(default_factory=list)
    only_theirs: list[str] = field(default_factory=list)
    likelihoods: int = 0
    largest: float = 0.0
    style: str = ""
    made: bool = False

    def differences(self) -> dict[str, set[str]]:
        """Return what differs: aspect -> kinds ("" where an aspect has no kinds)."""
        found: dict[str, set[str]] = {}
        if self.faults:
            found["not compared"] = {""}
        if self.prompts.unequal:
            found["prompts"] = {""}
        if self.chat.unequal:
            found["chat"] = {""}
        if self.settings:
            found["settings"] = {""}
        kinds = {kind for count in self.scores.values() for kind in count.unequal}
        if kinds:
            found["scores"] = kinds
        if not self.scores and not self.faults:
            # Equal prompts alone are not parity
            found["scores"] = {"none compared"}
        if self.largest > NEAR:
            found["log-likelihoods"] = {""}
        return found


def compare(ours: OurPage, peer: Peer, tools: Tools, extent: Extent) -> Result:
    """Compare a page. Raises PeerFault for a task that lm-eval cannot load from the mirror."""
    result = Result(ours.claim.name, ours.claim.task, tasks=len(ours.groups), style=ours.main.style)
    for task, numbers in ours.groups.items():
        theirs = peer.ask("requests", name=task)
        result.version = str(theirs["version"])
        documents = _as_pairs(theirs["documents"])
        if "text" in ours.styles:
            ours_here = [pairs(ours.request("text", number), None) for number in numbers]
            _count_prompts(result.prompts, task, ours_here, documents)
            places = _places(ours_here, documents)
        else:
            places = {place: place for place in range(min(len(numbers), len(documents)))}
        if "chat" in ours.styles:
            _compare_chats(result, ours, peer, task, numbers, tools)
        _compare_settings(result, ours, numbers[0], theirs)
        share = max(1, math.ceil(_wanted(ours, extent) / len(ours.groups)))
        chosen = _spread(sorted(places), share)
        replies = list(_replies(ours, numbers, chosen, theirs, tools, extent))
        judged = peer.ask("scores", name=task, replies=[[places[place], reply] for place, _, reply in replies])
        _compare_scores(result, ours, numbers, replies, judged, tools)
        measured = theirs["kind"] != "generate_until" and "text" in ours.styles
        if measured and tools.model and result.likelihoods < MOST_LIKELIHOODS:
            _compare_likelihoods(result, ours, peer, task, numbers, places, tools, extent)
    return result


@dataclass(slots=True)
class Tools:
    """What comparing needs: a chat tokenizer, the page's entry in `pages.yaml`, recorded completions, a real model.

    `model` is a folder and an engine that is loaded with it.
    """

    encoder: Any
    entry: Mapping[str, Any]
    recorded: Mapping[str, Sequence[str]]
    model: tuple[Path, Any] | None


# --- prompts -------------------------------------------------------------------------------------


def _as_pairs(documents: Sequence[Any]) -> list[list[Pair]]:
    """lm-eval's arguments by document: (context, continuation), (text,), or (context, settings)."""
    found = []
    for each in documents:
        made: list[Pair] = []
        for arguments in each:
            if len(arguments) == 1:
                made.append(("", arguments[0]))
            elif isinstance(arguments[1], str):
                made.append(split_as_tokenised(arguments[0], arguments[1]))
            else:
                made.append((arguments[0], ""))
        found.append(made)
    return found


def _count_prompts(count: Count, task: str, ours: Sequence[list[Pair]], theirs: Sequence[list[Pair]]) -> None:
    for place, (mine, other) in enumerate(zip_longest(ours, theirs)):
        count.add(mine == other, task, f"{task} document {place}: {_first_difference(mine, other)}")


def _first_difference(mine: list[Pair] | None, other: list[Pair] | None) -> str:
    if mine is None or other is None:
        return "only lm-eval has it" if mine is None else "only we have it"
    if len(mine) != len(other):
        return f"{len(mine)} continuations here, {len(other)} there"
    for (context, text), (their_context, their_text) in zip(mine, other, strict=True):
        for a, b in ((context, their_context), (text, their_text)):
            if a != b:
                at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
                return (
                    f"at character {at}: here {a[max(0, at - 40) : at + 60]!r}, there {b[max(0, at - 40) : at + 60]!r}"
                )
    return "equal"


def _places(ours: Sequence[list[Pair]], theirs: Sequence[list[Pair]]) -> dict[int, int]:
    """Our place -> the document of theirs with the same prompt; where none has it, the one at the same place."""
    found: dict[str, list[int]] = {}
    for number, each in enumerate(theirs):
        found.setdefault(json.dumps(each), []).append(number)
    places = {}
    for place, each in enumerate(ours):
        same = found.get(json.dumps([list(pair) for pair in each]), [])
        if place in same or same:
            places[place] = place if place in same else same[0]
        elif place < len(theirs):
            places[place] = place
    return places


def _compare_chats(result: Result, ours: OurPage, peer: Peer, task: str, numbers: Sequence[int], tools: Tools) -> None:
    """Compare with lm-eval's default, several turns; where that differs, with one turn, if more of it is equal."""
    mine = [pairs(ours.request("chat", number), tools.encoder) for number in numbers]
    forms = {}
    for form, multiturn in (("several turns", True), ("one turn", False)):
        documents = [
            [[rendered_by_lm_eval(arguments[0], tools.encoder.tokenizer), *arguments[1:]] for arguments in each]
            for each in peer.ask("chats", name=task, multiturn=multiturn)
        ]
        count = forms[form] = Count()
        _count_prompts(count, task, mine, _as_pairs(documents))
        if count.equal == count.total:
            break
    form = max(forms, key=lambda each: forms[each].equal)
    result.chat.join(forms[form])
    result.chat_form = form


# --- settings ------------------------------------------------------------------------------------


def _compare_settings(result: Result, ours: OurPage, number: int, theirs: Mapping[str, Any]) -> None:
    request = ours.request(ours.main.style, number)
    if not isinstance(request, GenerateRequest):
        return
    given, sampling = theirs["generation"], request.sampling
    until = given.get("until") or []
    until = [until] if isinstance(until, str) else until
    sampled = bool(given.get("do_sample", False))
    compared = {
        "stop": (sorted(sampling.stop), sorted(set(until))),
        "max_tokens": (sampling.max_tokens, given.get("max_gen_toks", given.get("max_tokens", DEFAULT_MAX_TOKENS))),
        "temperature": (sampling.temperature, float(given.get("temperature", 1.0)) if sampled else 0.0),
        "top_p": (sampling.top_p, float(given.get("top_p", 1.0)) if sampled else 1.0),
        "repeats": (ours.claim.page.repeats, theirs["repeats"]),
    }
    for name, (mine, other) in compared.items():
        if mine != other and (line := f"{name}: {mine} here, {other} there") not in result.settings:
            result.settings.append(line)


# --- scores of the same replies ------------------------------------------------------------------


def _wanted(ours: OurPage, extent: Extent) -> int:
    if not isinstance(ours.main.requests[0], GenerateRequest):
        return extent.judged
    return extent.programs if isinstance(ours.main.samples[0].reference, Tests) else extent.samples


def _spread(places: Sequence[int], count: int) -> list[int]:
    """Choose `count` places, evenly."""
    if len(places) <= count:
        return list(places)
    return [places[number * len(places) // count] for number in range(count)]


def _replies(
    ours: OurPage,
    numbers: Sequence[int],
    chosen: Sequence[int],
    theirs: Mapping[str, Any],
    tools: Tools,
    extent: Extent,
) -> Iterator[tuple[int, str, list[Any]]]:
    """Yield (our place in the task, kind, one reply for each request of the document)."""
    samples = ours.main.samples
    if theirs["kind"] == "generate_until":
        until = theirs["generation"].get("until") or []
        until = [until] if isinstance(until, str) else until
        for place in chosen:
            other = numbers[(place + 1) % len(numbers)]
            for kind, text in completions(samples[numbers[place]], samples[other]):
                yield place, kind, [cut(text, until)]
        held = [(place, text) for place in range(len(numbers)) for text in _recorded(ours, numbers[place], tools)]
        programs = isinstance(samples[numbers[0]].reference, Tests)
        for place, text in _spread_pairs(held, extent.recorded // 3 if programs else extent.recorded):
            yield place, "recorded", [cut(text, until)]
        return
    random = Random(1234)
    for place in chosen:
        request = ours.request(ours.main.style, numbers[place])
        count = len(request.continuations) if isinstance(request, LikelihoodRequest) else 1
        for _ in range(DRAWS):
            drawn = [[-40 * random.random() - 1, random.random() < 0.3] for _ in range(count)]
            yield place, "drawn numbers", [drawn[0][0]] if theirs["kind"] == "loglikelihood_rolling" else drawn
        if count > 1:
            yield place, "equal numbers", [[-7.0, False]] * count


def _recorded(ours: OurPage, number: int, tools: Tools) -> Sequence[str]:
    return tools.recorded.get(ours.main.samples[number].id, ())


def _spread_pairs(held: Sequence[tuple[int, str]], count: int) -> list[tuple[int, str]]:
    return [held[place] for place in _spread(range(len(held)), count)]


def cut(text: str, until: Sequence[str]) -> str:
    """Return what an engine would have returned with these stop strings."""
    for stop in until:
        if stop:
            text = text.split(stop)[0]
    return text


def _compare_scores(
    result: Result,
    ours: OurPage,
    numbers: Sequence[int],
    replies: Sequence[tuple[int, str, list[Any]]],
    judged: Sequence[Mapping[str, float | None]],
    tools: Tools,
) -> None:
    for (place, kind, reply), theirs in zip(replies, judged, strict=True):
        if isinstance(reply[0], str):
            mine = ours.scores_of_text(numbers[place], reply[0])
        else:
            given = [each if isinstance(each, list) else [each, False] for each in reply]
            mine = ours.scores_of_numbers(numbers[place], [(value, greedy) for value, greedy in given])
        same_as = same_scores(list(mine), list(theirs), tools.entry.get("scores", {}))
        for name, value in mine.items():
            if name not in same_as:
                if name not in result.only_ours:
                    result.only_ours.append(name)
                continue
            other = theirs[same_as[name]]
            same = value is not None and other is not None and math.isclose(value, other, abs_tol=1e-6)
            kind = _apart(ours, numbers[place], tools) or kind
            example = f"{name}: {value} here, {same_as[name]} {other} there, sample {numbers[place]}, {reply[0]!r:.300}"
            result.scores.setdefault(name, Count()).add(same, kind, example)
        for name in theirs:
            if name not in same_as.values() and name not in result.only_theirs:
                result.only_theirs.append(name)


def _apart(ours: OurPage, number: int, tools: Tools) -> str:
    """A kind of its own for samples whose answer `pages.yaml` sets apart, whatever the completion is like."""
    reference = ours.main.samples[number].reference
    values = reference.values if isinstance(reference, Answer) else ()
    return next((f"answer {value}" for value in values if value in tools.entry.get("apart", ())), "")


def same_scores(ours: Sequence[str], theirs: Sequence[str], named: Mapping[str, str | None]) -> dict[str, str]:
    """Return our score -> lm-eval's "metric,filter": as named in `pages.yaml`, by name, or the only one of both."""
    found = {name: other for name, other in named.items() if other is not None and name in ours and other in theirs}
    for name in ours:
        if name in named:
            continue
        for other in theirs:
            metric, _, way = other.rpartition(",")
            if name in (other, metric, way, way.split("-")[0]) and other not in found.values():
                found[name] = other
                break
    left, open_ = [n for n in ours if n not in found and n not in named], [o for o in theirs if o not in found.values()]
    if len(left) == 1 and len(open_) == 1:
        found[left[0]] = open_[0]
    return found


# --- log-likelihoods of a real model -------------------------------------------------------------


def _compare_likelihoods(
    result: Result,
    ours: OurPage,
    peer: Peer,
    task: str,
    numbers: Sequence[int],
    places: Mapping[int, int],
    tools: Tools,
    extent: Extent,
) -> None:
    assert tools.model is not None
    folder, engine = tools.model
    chosen = _spread(sorted(places), extent.likelihoods)
    requests: list[Request] = [ours.request("text", numbers[place]) for place in chosen]
    replies = {reply.key: reply for reply in engine.stream(requests) if isinstance(reply, Likelihood)}
    theirs = peer.ask("likelihoods", name=task, model=str(folder), numbers=[places[place] for place in chosen])
    for request, values in zip(requests, theirs, strict=True):
        mine = [each.logprob for each in replies[request.key].continuations]
        result.likelihoods += len(values)
        for a, b in zip(mine, values, strict=True):
            result.largest = max(result.largest, abs(a - b))
