"""One engine compared with transformers itself, on a tiny model of any class.

The oracle is `model.generate` on one prompt at a time and one plain forward pass for each continuation. The
engine gets all of it as one stream: prompts of unequal lengths, some with a long common start, one requested twice,
one that ends midway, and continuations to score. What differs is named; where the oracle itself had to choose
between two equal tokens, nothing after that step is compared.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from engines.tiny_tokenizer import make_tokenizer
from engines.variants import twin_config
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from harness.datatypes import (
    Completion,
    GenerateRequest,
    Likelihood,
    LikelihoodRequest,
    Refusal,
    Reply,
    Request,
    Sampling,
    TextPrompt,
)
from harness.engines.base import Engine
from harness.engines.hf.tiny_model import tiny_model
from harness.errors import ConfigError, HarnessError

NEW_TOKENS = 20
SEEDS = 6
# Fewer different tokens than this in all answers together test nothing
VARIED = 24
# Gap of the two best logits, as a share of the logits' spread, below which rounding may choose
NEAR_TIE = 1e-4
ABSOLUTE, RELATIVE = 1e-4, 1e-5
# Some 50 tokens, so longer than any window of a tiny model
SHARED = "Weights zig-zag: 12 boxes cost $97, so 1 box is about $8.08.\n"
PROMPTS = {
    "shared-1": SHARED + "Q: how much are 3 boxes? A:",
    "shared-2": SHARED + "Why?",
    "shared-3": SHARED + "def cost(boxes):\n    return boxes * 97 / 12\n\nprint(cost(",
    "shared-4": SHARED + "The lazy dog",
    "short": "The quick brown fox",
    "single": "A",
    "code": "def add(a, b):\n",
    "long": "naïve café, 日本語, 😀 and more; the lazy dog and the quick brown fox jump over 34 + 43 more, again",
}
REPEATED = "shared-2"
SCORED = ("shared-1", "short", "long")
# One, three and eight tokens of the tiny tokenizer, in some order
CONTINUATIONS = (" fox", " 3 + 4", " zigzag!")

MakeEngine = Callable[[Path], Engine]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of one class. `equal` is None where nothing could be compared, and then `reason` says why."""

    model_type: str
    class_name: str = ""
    reason: str = ""
    level: str = ""
    equal: bool | None = None
    differences: tuple[str, ...] = ()
    near_ties: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    distinct: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Generation:
    """The oracle's answer to one prompt: its tokens, and how far ahead each was of the next best."""

    ids: tuple[int, ...]
    margins: tuple[float, ...]

    def until(self, ends: Sequence[int]) -> tuple[int, ...]:
        """The tokens up to and with the first that ends an answer."""
        at = next((place for place, token in enumerate(self.ids, start=1) if token in ends), len(self.ids))
        return self.ids[:at]

    def near_tie(self) -> int | None:
        """The first step at which rounding may choose."""
        return next((step for step, margin in enumerate(self.margins) if margin < NEAR_TIE), None)


@dataclass(frozen=True, slots=True)
class Likely:
    """The oracle's score of one continuation; `margin` is the smallest distance of its tokens from being tied."""

    logprob: float
    greedy: bool
    tokens: int
    margin: float


class Oracle:
    """transformers' own answers, one prompt at a time, in float32."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        """Take a model; nothing of its generation defaults stays in force."""
        self.model = model.eval()
        self.model.generation_config = GenerationConfig()
        self.tokenizer = tokenizer

    @torch.inference_mode()
    def generate(self, text: str) -> Generation:
        """Greedy, and never ending early: end tokens are looked for afterwards."""
        ids = torch.tensor([self.tokenizer(text)["input_ids"]])
        config = GenerationConfig(do_sample=False, max_new_tokens=NEW_TOKENS, pad_token_id=2)
        config.output_logits = config.return_dict_in_generate = True
        out = self.model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=config)
        margins = []
        for step in out.logits:
            row = step[0].float()
            if not bool(row.isfinite().any()) or bool(row.isnan().any()):
                raise ValueError("logits are not finite")
            best = row.topk(2).values
            margins.append(float((best[0] - best[1]) / (row[row.isfinite()].std() + 1e-9)))
        return Generation(tuple(out.sequences[0, ids.shape[1] :].tolist()), tuple(margins))

    def in_double(self) -> Oracle:
        """The same model in float64."""
        return Oracle(copy.deepcopy(self.model).double(), self.tokenizer)

    @torch.inference_mode()
    def score(self, context: str, continuation: str) -> Likely:
        """One plain forward pass over both, without padding and without a cache."""
        before, whole = (self.tokenizer(text)["input_ids"] for text in (context, context + continuation))
        assert whole[: len(before)] == before, "the continuation must not change the context's tokens"
        # The last token is not read: models that look ahead would see the answer
        ids = torch.tensor([whole[:-1]])
        logits = self.model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits[0].double()
        rows = logits[len(before) - 1 :]
        wanted = torch.tensor(whole[len(before) :])
        taken = rows.gather(1, wanted[:, None])[:, 0]
        others = rows.scatter(1, wanted[:, None], float("-inf")).max(-1).values
        margin = float(((taken - others).abs() / (rows.std(-1) + 1e-9)).min())
        logprob = float(rows.log_softmax(-1).gather(1, wanted[:, None]).sum())
        return Likely(logprob, bool((taken > others).all()), len(wanted), margin)


def save_twin(model_type: str, folder: Path, seed: int = 0) -> Any:
    """Write a tiny model with the tiny tokenizer; returns the tokenizer as it loads beside this class.

    Some classes have a tokenizer of their own that splits the same vocabulary otherwise. Raises ConfigError
    where there is no tiny model.
    """
    plain = make_tokenizer()
    config = twin_config(model_type, len(plain))
    config.save_pretrained(folder)
    plain.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    config = twin_config(model_type, len(tokenizer))
    tiny_model(config, seed).save_pretrained(folder)
    # A class that reads only the text part of a config saves only that; checkpoints have it all
    config.save_pretrained(folder)
    return tokenizer


def examine(model_type: str, folder: Path, make_engine: MakeEngine) -> Verdict:
    """Build a tiny model of the class in `folder` and compare the engine with the oracle on it."""
    started = time.perf_counter()
    verdict = Verdict(model_type)
    try:
        tokenizer = save_twin(model_type, folder)
        seed, free = _most_varied(model_type, tokenizer)
    except ConfigError as error:
        return replace(verdict, reason=str(error), seconds=time.perf_counter() - started)
    except Exception as error:  # noqa: BLE001
        reason = f"transformers' own generate fails ({type(error).__name__}: {_one_line(error)})"
        return replace(verdict, reason=reason, seconds=time.perf_counter() - started)
    try:
        save_twin(model_type, folder, seed)
        end = _midway_end(free, tokenizer.all_special_ids)
        (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [end], "pad_token_id": 2}))
        oracle = Oracle(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32), tokenizer)
        verdict = replace(verdict, class_name=type(oracle.model).__name__, distinct=_distinct(free))
        saved = {name: oracle.generate(text) for name, text in PROMPTS.items()}
        if any(saved[name].ids != reported.ids for name, reported in free.items()):
            raise ValueError("it generates otherwise")
    except Exception as error:  # noqa: BLE001
        reason = f"a saved tiny model does not load as it was ({type(error).__name__}: {_one_line(error)})"
        return replace(verdict, reason=reason, seconds=time.perf_counter() - started)
    try:
        verdict = _compared(verdict, oracle, saved, make_engine(folder))
    except Exception as error:  # noqa: BLE001
        kind = "" if isinstance(error, HarnessError) else f"{type(error).__name__}: "
        verdict = replace(verdict, equal=False, differences=(f"the engine fails: {kind}{_one_line(error)}",))
    return replace(verdict, seconds=time.perf_counter() - started)


def _most_varied(model_type: str, tokenizer: Any) -> tuple[int, Mapping[str, Generation]]:
    """The first seed whose tiny model generates many different tokens, else the best of them."""
    best: tuple[int, Mapping[str, Generation]] | None = None
    for seed in range(SEEDS):
        oracle = Oracle(tiny_model(twin_config(model_type, len(tokenizer)), seed), tokenizer)
        free = {name: oracle.generate(text) for name, text in PROMPTS.items()}
        if best is None or _distinct(free) > _distinct(best[1]):
            best = seed, free
        if _distinct(free) >= VARIED and len({reported.ids for reported in free.values()}) == len(free):
            break
    assert best is not None
    return best


def _distinct(reported: Mapping[str, Generation]) -> int:
    return len({token for one in reported.values() for token in one.ids})


def _midway_end(free: Mapping[str, Generation], special: Sequence[int]) -> int:
    """A token that ends some answer in its middle, and as few others as may be."""
    found = []
    for reported in free.values():
        for step, token in enumerate(reported.ids):
            if 3 <= step < NEW_TOKENS - 4 and token not in reported.ids[:step] and token not in special:
                found.append((sum(token in one.ids[:3] for one in free.values()), step, token))
    return min(found)[2] if found else 1


def _requests(oracle: Oracle, reported: Mapping[str, Generation]) -> list[Request]:
    """One stream: answers to continue and to score, mixed."""
    settings = Sampling(max_tokens=NEW_TOKENS)
    requested: list[Request] = [
        GenerateRequest(name, "twins", name, 0, TextPrompt(text), settings) for name, text in PROMPTS.items()
    ]
    requested.append(GenerateRequest("again", "twins", "again", 0, TextPrompt(PROMPTS[REPEATED]), settings))
    for place, name in enumerate(SCORED):
        continuations = (*CONTINUATIONS, *_likeliest(oracle.tokenizer, PROMPTS[name], reported[name].ids[0]))
        request = LikelihoodRequest(f"score {name}", "twins", name, 0, TextPrompt(PROMPTS[name]), continuations)
        requested.insert(3 * place + 1, request)
    return requested


def _likeliest(tokenizer: Any, context: str, token: int) -> tuple[str, ...]:
    """The model's own next tokens, where a tokenizer reads it as the one token it is."""
    text = tokenizer.decode([token])
    before, whole = (tokenizer(one)["input_ids"] for one in (context, context + text))
    return (text,) if whole == [*before, token] and text not in CONTINUATIONS else ()


def _compared(verdict: Verdict, oracle: Oracle, reported: Mapping[str, Generation], engine: Engine) -> Verdict:
    requests = _requests(oracle, reported)
    try:
        engine.check(requests)
        engine.load()
        replies: dict[str, Reply] = {}
        twice = []
        for reply in engine.stream(requests):
            twice += [reply.key] if reply.key in replies else []
            replies[reply.key] = reply
        facts = engine.facts()
    finally:
        engine.close()
    wrong = [f"{key}: answered twice" for key in twice]
    ties: list[str] = []
    ends = list(facts.generation["end_token_ids"])
    for request in requests:
        reply = replies.get(request.key)
        if reply is None or isinstance(reply, Refusal):
            wrong.append(f"{request.key}: {reply.failure.message if reply else 'no answer'}")
        elif isinstance(request, GenerateRequest):
            name = REPEATED if request.key == "again" else request.key
            _compare_text(request.key, oracle, reported[name], ends, reply, (wrong, ties))
        else:
            _compare_scores(request, oracle, reply, (wrong, ties))
    return replace(
        verdict,
        level=str(facts.generation.get("level", "")),
        equal=not wrong,
        differences=tuple(wrong),
        near_ties=tuple(ties),
        notes=facts.notes,
    )


Found = tuple[list[str], list[str]]


def _compare_text(
    key: str, oracle: Oracle, reported: Generation, ends: Sequence[int], reply: Reply, found: Found
) -> None:
    assert isinstance(reply, Completion)
    wanted = reported.until(ends)
    text = oracle.tokenizer.decode(wanted, skip_special_tokens=True)
    finish = "eos" if wanted[-1] in ends else "length"
    got = (reply.text, reply.output_tokens, reply.finish)
    if got == (text, len(wanted), finish):
        return
    tie = reported.near_tie()
    if tie is not None and tie < len(wanted):
        before = oracle.tokenizer.decode(wanted[:tie], skip_special_tokens=True).rstrip("\ufffd")
        if reply.text.startswith(before):
            found[1].append(f"{key}: near tie at step {tie}")
            return
    same = next((at for at, (a, b) in enumerate(zip(text, reply.text, strict=False)) if a != b), None)
    where = f"after {same} of {len(text)} characters" if same is not None else "in its length"
    found[0].append(f"{key}: text differs {where} ({len(wanted)} tokens, got {reply.output_tokens}, {reply.finish})")


def _compare_scores(request: LikelihoodRequest, oracle: Oracle, reply: Reply, found: Found) -> None:
    assert isinstance(reply, Likelihood)
    assert isinstance(request.prompt, TextPrompt)
    for continuation, got in zip(request.continuations, reply.continuations, strict=True):
        wanted = oracle.score(request.prompt.text, continuation)
        off = abs(got.logprob - wanted.logprob)
        if not off <= ABSOLUTE + RELATIVE * abs(wanted.logprob):
            truth = oracle.in_double().score(request.prompt.text, continuation).logprob
            # Long sums round: the engine must then be as near to the truth as plain float32 is
            rounding = abs(got.logprob - truth) <= abs(wanted.logprob - truth)
            stated = f"{request.key}: {continuation!r} is off by {off:.2g} of {wanted.logprob:.4g}"
            found[1 if rounding else 0].append(stated + (", plain float32 by more" if rounding else ""))
        if got.tokens != wanted.tokens:
            found[0].append(f"{request.key}: {continuation!r} has {wanted.tokens} tokens, got {got.tokens}")
        if got.greedy != wanted.greedy:
            near = wanted.margin < NEAR_TIE
            found[1 if near else 0].append(f"{request.key}: {continuation!r} greedy is {wanted.greedy}")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
