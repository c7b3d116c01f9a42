"""What two runs did differently besides the model, named by field."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from harness.analysis.protocol import protocol_differences

IDENTITY: dict[str, Any] = {
    "model": {"name": "m", "revision": None, "weights": "w1", "chat_template": "c1", "tokenizer": "t1"},
    "engine": {
        "name": "local",
        "style": "chat",
        "device": "cpu",
        "dtype": "float32",
        "generation": {"overflow": "truncate_left", "context_window": 2048, "repetition_penalty": 1.0},
    },
    "tasks": {
        "sums": {
            "version": 1,
            "page": {
                "name": "sums",
                "prompt": {"chat": {"user": "{{ a }}"}},
                "sampling": {"max_tokens": 8},
                "score": [{"by": "exact_match", "extract": {"by": "number", "pick": "last"}}],
            },
            "ask": "h1",
            "style": "chat",
            "shots": 0,
            "data": "d1",
            "revision": None,
            "n": 10,
        }
    },
    "execution": {"wall_seconds": 10.0, "sandbox": "namespace"},
    "seed": 0,
}


def changed(path: str, value: Any) -> dict[str, Any]:
    other = copy.deepcopy(IDENTITY)
    *way, last = path.split(".")
    inner: Any = other
    for key in way:
        inner = inner[int(key)] if isinstance(inner, list) else inner[key]
    inner[last] = value
    return other


REFUSED = [
    ("tasks.sums.shots", 8),
    ("tasks.sums.style", "text"),
    ("tasks.sums.data", "d2"),
    ("tasks.sums.page.prompt.chat.user", "{{ a }}!"),
    ("tasks.sums.page.sampling.max_tokens", 16),
    ("tasks.sums.page.sampling.temperature", 0.8),
    ("tasks.sums.page.repeats", 4),
    ("tasks.sums.page.score.0.extract.pick", "first"),
    ("tasks.sums.ask", "h2"),
    ("engine.generation.repetition_penalty", 1.05),
    ("engine.generation.overflow", "refuse"),
    ("execution.wall_seconds", 20.0),
    ("model.chat_template", "c2"),
]


@pytest.mark.parametrize(("path", "value"), REFUSED)
def test_what_changes_a_score_is_refused_by_name(path: str, value: Any) -> None:
    found = protocol_differences(IDENTITY, changed(path, value), ["sums"])
    assert [(d.field, d.b) for d in found.refused] == [(path, value)]
    assert not found.noted


TOLD = [
    ("tasks.sums.revision", "main"),
    ("engine.device", "cuda"),
    ("engine.dtype", "bfloat16"),
    ("engine.name", "scripted"),
    ("engine.generation.context_window", 4096),
    ("execution.sandbox", "none"),
    ("seed", 1),
]


@pytest.mark.parametrize(("path", "value"), TOLD)
def test_what_belongs_to_model_or_machine_is_noted(path: str, value: Any) -> None:
    found = protocol_differences(IDENTITY, changed(path, value), ["sums"])
    assert [(d.field, d.b) for d in found.noted] == [(path, value)]
    assert not found.refused


def test_another_revision_of_other_rows_is_refused() -> None:
    other = changed("tasks.sums.revision", "main")
    other["tasks"]["sums"]["data"] = "d2"
    found = protocol_differences(IDENTITY, other, ["sums"])
    assert [difference.field for difference in found.refused] == ["tasks.sums.data", "tasks.sums.revision"]


def test_another_model_may_bring_its_own_template() -> None:
    other = changed("model.weights", "w2")
    other["model"].update(name="m2", chat_template="c2", tokenizer="t2")
    found = protocol_differences(IDENTITY, other, ["sums"])
    assert not found.refused
    assert not found.noted


def test_two_large_models_of_one_name_may_differ_in_their_weights() -> None:
    """Large weights are sampled, and their digest has another name: they are as much the model as small ones."""
    one, other = (copy.deepcopy(IDENTITY) for _ in range(2))
    for identity, digest in ((one, "s1"), (other, "s2")):
        del identity["model"]["weights"]
        identity["model"] |= {"weights_sampled": digest, "chat_template": f"c-{digest}"}
    assert not protocol_differences(one, other, ["sums"]).refused
    other["model"]["weights_sampled"] = "s1"
    assert [found.field for found in protocol_differences(one, other, ["sums"]).refused] == ["model.chat_template"]


def test_how_many_samples_were_run_is_no_protocol() -> None:
    assert not protocol_differences(IDENTITY, changed("tasks.sums.n", 5), ["sums"]).refused


def test_a_setting_that_is_empty_in_one_run_and_unknown_to_the_other_is_no_difference() -> None:
    assert protocol_differences(IDENTITY, changed("engine.generation.extra_body", {}), ["sums"]).noted == ()
    given = protocol_differences(IDENTITY, changed("engine.generation.extra_body", {"a": 1}), ["sums"])
    assert [difference.field for difference in given.noted] == ["engine.generation.extra_body"]


def served(prompts: str, **engine: Any) -> dict[str, Any]:
    other = copy.deepcopy(IDENTITY)
    other["model"] = {"name": "m", "revision": None, "served_model": "m"}
    if prompts == "exact":
        other["model"] |= {"chat_template": "c1", "tokenizer": "t1"}
    other["engine"] = {
        "name": "openai",
        "style": "chat",
        "device": None,
        "dtype": "float32",
        "generation": {"prompts": prompts, "overflow": "truncate_left", "context_window": None, "extra_body": {}},
        **engine,
    }
    return other


@pytest.mark.parametrize("way", ["chat", "text"])
def test_a_local_run_has_exact_prompts_and_a_server_with_its_own_template_has_others(way: str) -> None:
    for a, b in ((IDENTITY, served(way)), (served(way), IDENTITY)):
        (found,) = protocol_differences(a, b, ["sums"]).refused
        assert found.field == "engine.generation.prompts" and {found.a, found.b} == {"exact", way}
    assert protocol_differences(served("exact"), served(way), ["sums"]).refused[0].field == found.field


def test_a_setting_that_only_one_of_two_engines_has_is_noted_only_if_it_may_change_an_answer() -> None:
    found = protocol_differences(IDENTITY, served("exact"), ["sums"])
    assert not found.refused
    assert [difference.field for difference in found.noted] == ["engine.name"]
    for path, value in (("engine.generation.repetition_penalty", 1.05), ("engine.generation.num_beams", 4)):
        noted = protocol_differences(changed(path, value), served("exact"), ["sums"]).noted
        assert [difference.field for difference in noted] == [path, "engine.name"]
    unstated = protocol_differences(IDENTITY, served("exact", dtype=None), ["sums"]).noted
    assert [difference.field for difference in unstated] == ["engine.name", "engine.dtype"]


def test_answers_from_a_file_are_not_refused_for_what_the_file_does_not_report() -> None:
    found = protocol_differences(IDENTITY, changed("engine.generation", {}), ["sums"])
    assert not found.refused
    assert len(found.noted) == 3


def test_limits_on_programs_do_not_part_runs_of_which_one_ran_none() -> None:
    found = protocol_differences(IDENTITY, changed("execution", None), ["sums"])
    assert not found.refused
    assert not found.noted
