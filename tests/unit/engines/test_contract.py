"""The engine contract: what an engine declares, what is refused for want of it, and what is safe without a word."""

from __future__ import annotations

from typing import Any

import pytest

from harness import plugins
from harness.datatypes import (
    ChatPrompt,
    GenerateRequest,
    LikelihoodRequest,
    Message,
    Prompt,
    Request,
    RollingRequest,
    Sampling,
    TextPrompt,
)
from harness.engines import BUILT_IN, DEFAULT_ENGINE, REPLAY_ENGINE
from harness.engines.base import (
    ONCE_IN_IDENTITY,
    Capabilities,
    ModelSpec,
    capabilities_of,
    refuse_unsupported,
    reproducibility_notes,
)
from harness.engines.registry import open_engine
from harness.errors import ConfigError

QUESTION = (Message("user", "2 + 2?"),)


def generation(prompt: Prompt | None = None, *, repeat: int = 0, temperature: float = 0.0) -> GenerateRequest:
    """A request for an answer."""
    sampling = Sampling(8, temperature=temperature)
    return GenerateRequest("k", "sums", "s0", repeat, prompt or TextPrompt("2 + 2 ="), sampling)


NEEDS = {
    "loglikelihoods": [
        LikelihoodRequest("k", "sums", "s0", 0, TextPrompt("2"), ("a", "b")),
        RollingRequest("k", "sums", "s0", 0, TextPrompt(""), "a text"),
    ],
    "prefill": [generation(ChatPrompt(QUESTION, prefill="The answer is"))],
}


@pytest.mark.parametrize(("field", "request_"), [(field, one) for field, many in NEEDS.items() for one in many])
def test_what_an_engine_does_not_declare_is_refused_and_what_it_declares_is_not(field: str, request_: Request) -> None:
    with pytest.raises(ConfigError, match=f"the task 'sums' needs .* 'echo' .*{field}=False"):
        refuse_unsupported("echo", Capabilities(), [generation(), request_])
    refuse_unsupported("echo", Capabilities(**{field: True}), [generation(), request_])


def test_plain_and_chat_prompts_need_nothing() -> None:
    refuse_unsupported("echo", Capabilities(), [generation(), generation(ChatPrompt(QUESTION))])


def test_greedy_repeats_are_refused_only_where_all_answers_would_be_the_same() -> None:
    repeated = [generation(), generation(repeat=1)]
    with pytest.raises(ConfigError, match="repeats a greedy question"):
        refuse_unsupported("echo", Capabilities(answers_by="prompt"), repeated)
    refuse_unsupported("echo", Capabilities(answers_by="task"), repeated)
    refuse_unsupported("echo", Capabilities(answers_by="prompt"), [generation(repeat=1, temperature=0.7)])


def test_the_defaults_claim_nothing() -> None:
    class Plain:
        pass

    able = capabilities_of(Plain(), "plain")  # type: ignore[arg-type]
    assert able == Capabilities()
    assert able.answers_by == "task" and not able.throughput_options and able.concurrency == 1
    assert not (able.independent or able.loglikelihoods or able.prefill or able.token_ids or able.seeds)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"answers_by": "prompts"}, "answers_by must be 'prompt' or 'task'"),
        ({"throughput_options": "batch_size"}, "throughput_options must be a set of names"),
        ({"concurrency": 0}, "concurrency must be 1 or more"),
    ],
)
def test_a_misspelt_declaration_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Capabilities(**values)


def test_capabilities_of_another_type_are_refused() -> None:
    class Wrong:
        def capabilities(self) -> dict[str, bool]:
            """A mapping, which has no defaults."""
            return {"prefill": True}

    with pytest.raises(ConfigError, match="engine wrong: capabilities"):
        capabilities_of(Wrong(), "wrong")  # type: ignore[arg-type]


def test_what_may_differ_the_next_time_is_noted() -> None:
    safe, sampled = Capabilities(independent=True, seeds=True), [generation(temperature=0.7)]
    assert not reproducibility_notes(safe, sampled)
    assert len(reproducibility_notes(Capabilities(), sampled)) == 2
    assert len(reproducibility_notes(Capabilities(), [generation()])) == 1


def test_the_engines_of_the_library_are_named_where_they_are() -> None:
    assert {DEFAULT_ENGINE, REPLAY_ENGINE} < set(BUILT_IN) <= set(plugins.names("engine"))
    for name in BUILT_IN:
        assert plugins.load("engine", name).option_names()


def test_the_library_s_own_engines_still_leave_out_of_an_identity_what_they_once_recorded() -> None:
    from harness.engines.local.engine import LocalEngine
    from harness.engines.reference import ReferenceEngine

    assert LocalEngine.paced_by >= ONCE_IN_IDENTITY >= ReferenceEngine.paced_by


def test_an_option_of_another_engine_is_refused_with_that_engine_s_name() -> None:
    with pytest.raises(ConfigError, match=r"'local' has no option 'completions'; .*--engine scripted"):
        open_engine(None, ModelSpec("nowhere"), {"completions": "a.jsonl"})
    with pytest.raises(ConfigError, match=r"'scripted' has no option 'level'; .*--engine local"):
        open_engine("scripted", ModelSpec(""), {"completions": "a.jsonl", "level": "plain"})
    with pytest.raises(ConfigError, match="unknown key 'batchsize'; did you mean 'batch_size'"):
        open_engine("reference", ModelSpec("nowhere"), {"batchsize": 2})
