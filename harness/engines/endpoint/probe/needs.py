"""What a run needs of its server, and the one-line reason where the server lacks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.engines.endpoint.server import ServerFacts
from harness.engines.endpoint.wire import PromptWay


@dataclass(frozen=True, slots=True)
class ProbeNeeds:
    """What the probe has to find out: each need is the first task that has it (empty: none does).

    `way`: how the run prompts; `ids`: for `exact`, a prompt after which the model is unsure (the start token alone);
    `stops`: the most stop strings of a request; `top_k`: a task samples from so many tokens only; `tempered`: it
    samples with another temperature or top_p than 1; `logprobs`: of new tokens; `template_options`: it sets variables
    of the chat template, such as `options`.
    """

    way: PromptWay = "chat"
    ids: tuple[int, ...] = ()
    greedy: str = ""
    sampled: str = ""
    top_k: str = ""
    tempered: str = ""
    prefill: str = ""
    likelihoods: str = ""
    logprobs: str = ""
    stops: int = 0
    template_options: str = ""
    options: tuple[tuple[str, Any], ...] = ()


def missing(facts: ServerFacts, needs: ProbeNeeds) -> str | None:
    """Return the first thing that the run needs and the server cannot do, with what to do; None where it can all.

    What could not be seen is not refused, except log-likelihoods, a prefill and token ids: those must be proved.
    """
    dialect = facts.dialect
    if needs.way == "exact" and facts.token_ids is not True:
        return (
            "the server takes no token ids, which engine.prompts: exact needs; "
            "set engine.prompts to chat, or use a server that takes them (vLLM, llama.cpp and SGLang do)"
        )
    if needs.greedy and not dialect.temperature:
        return (
            f"the task {needs.greedy!r} is greedy, and the server takes no temperature, or only temperature 1; "
            f"set tasks.{needs.greedy}.sampling.temperature to 1, or use another model"
        )
    if needs.tempered and not dialect.temperature:
        return (
            f"the task {needs.tempered!r} samples with a temperature or top_p other than 1, and the server takes none; "
            f"set tasks.{needs.tempered}.sampling.temperature and .top_p to 1, or use another model"
        )
    if needs.sampled and facts.samples is False:
        return (
            f"the task {needs.sampled!r} samples, and the server gives the same text for every seed at temperature 1; "
            "start the server with sampling on (transformers: do_sample in generation_config.json), or leave the "
            "task out"
        )
    if needs.top_k and "top_k" not in dialect.sampler:
        return (
            f"the task {needs.top_k!r} sets top_k, which the server does not apply; "
            f"set tasks.{needs.top_k}.sampling.top_k to 0, or use a server that has it"
        )
    if needs.prefill and needs.way == "chat" and facts.prefill not in ("continued", "returned"):
        return f"the task {needs.prefill!r} starts answers with a prefill, and {_prefill_fault(facts)}"
    if needs.likelihoods and facts.scoring is not True:
        return (
            f"the task {needs.likelihoods!r} needs log-likelihoods, and the server's log-probabilities of prompt "
            "tokens could not be proved right; use a server that returns them (vLLM does), or leave the task out"
        )
    if needs.logprobs and facts.logprobs is not True:
        return (
            f"the task {needs.logprobs!r} keeps log-probabilities, which the server does not return; "
            f"set tasks.{needs.logprobs}.sampling.logprobs to false"
        )
    if needs.template_options and facts.template_options is False:
        return (
            f"the task {needs.template_options!r} sets variables of the chat template, and the server refuses "
            f"`chat_template_kwargs`; set tasks.{needs.template_options}.prompt.chat.template_options to {{}}, and "
            "state with engine.extra_body what the server has in its place"
        )
    return None


def _prefill_fault(facts: ServerFacts) -> str:
    found = {
        "new_turn": "the server opens a new turn instead of continuing it",
        "refused": "the server refuses it",
    }.get(facts.prefill, "it could not be seen that the server continues it")
    return (
        f"{found}; use the engine openai with engine.tokenizer set to the model's tokenizer (then the prompt is made "
        "here), or leave the task out"
    )
