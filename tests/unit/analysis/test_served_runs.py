"""What servers stated with their answers: a change during a run, and what may explain a difference of two runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.analysis.served import ServedRun, changes, may_explain
from harness.datatypes import (
    RECORD_SCHEMA,
    Completion,
    Failure,
    GenerateRequest,
    Record,
    Refusal,
    Reply,
    Sampling,
    Served,
    TextPrompt,
)


def record(place: int, reply: Reply, *, temperature: float = 0.0) -> Record:
    """The record of one sample, finished in the order of its place."""
    request = GenerateRequest(f"k{place}", "sums", f"s{place}", 0, TextPrompt("1"), Sampling(8, temperature))
    return Record(RECORD_SCHEMA, "run", request, reply, (), finished_at=float(place))


def records(*served: Served | None, temperature: float = 0.0) -> list[Record]:
    """One record per answer, in the order in which they arrived."""
    return [
        record(i, Completion(f"k{i}", "1", "eos", served=one), temperature=temperature) for i, one in enumerate(served)
    ]


def by(**stated: str) -> Served:
    """An answer of a server that states these names."""
    return Served(0.1, **stated)


def run(label: str, kept: Sequence[Record], *, model: str = "m", **engine: Any) -> ServedRun:
    """A run through a server of known precision that repeats its greedy answers, unless said otherwise."""
    facts = {"deterministic": True, "dtype": "float32", "server": {"way": "chat"}, "generation": {"prompts": "chat"}}
    return ServedRun(label, model, {**facts, **engine}, kept)


def test_a_run_of_one_server_or_of_none_has_no_changes() -> None:
    assert changes(records(*[by(model="m", fingerprint="a")] * 3)) == ()
    assert changes(records(None, None)) == ()
    # An answer that states nothing is no other server
    assert changes(records(by(fingerprint="a"), by(), by(fingerprint="a"))) == ()


def test_a_change_during_the_run_is_named_with_its_counts_in_the_order_of_arrival() -> None:
    kept = records(by(fingerprint="b"), by(fingerprint="a"), by(fingerprint="a"))
    refused = record(9, Refusal("k9", Failure("engine", "timeout", "", ours=True)))
    (line,) = changes([*reversed(kept), refused])
    assert line.startswith("the server stated more than one fingerprint during the run: b (1 answer), a (2 answers)")


def test_model_and_provider_changes_are_each_named_and_many_names_are_cut() -> None:
    kept = records(*[by(model=f"m{i % 2}", provider=f"p{i}" + "x" * 60) for i in range(6)])
    model, provider = changes(kept)
    assert "more than one model during the run: m0 (3 answers), m1 (3 answers)" in model
    assert "and 3 more" in provider and "x" * 60 not in provider


def test_equal_servers_explain_nothing() -> None:
    kept = records(by(model="m", fingerprint="a", provider="p"))
    assert may_explain(run("old", kept), run("new", kept)) == ()


def test_runs_without_a_server_explain_nothing_even_with_other_precisions() -> None:
    local = ServedRun("local", "m", {"digests": {"weights": "1"}, "dtype": None}, records(None))
    assert may_explain(local, local) == ()


def test_other_fingerprints_between_runs_count_only_for_one_model_and_other_providers_always() -> None:
    one, other = records(by(fingerprint="a", provider="p")), records(by(fingerprint="b", provider="q"))
    same = may_explain(run("old", one), run("new", other))
    assert same == (
        "the servers stated another provider: old: p; new: q",
        "the servers stated another fingerprint: old: a; new: b",
    )
    assert may_explain(run("old", one), run("new", other, model="n")) == same[:1]


def test_the_start_probe_counts_where_the_answers_state_nothing() -> None:
    probed = run("new", records(by()), server={"fingerprint": "b"})
    assert may_explain(run("old", records(by(fingerprint="a"))), probed) == (
        "the servers stated another fingerprint: old: a; new: b",
    )


def test_a_change_within_one_of_the_runs_is_named_with_the_run() -> None:
    changed = run("new", records(by(fingerprint="a"), by(fingerprint="b")))
    lines = may_explain(run("old", records(by(fingerprint="a"), by(fingerprint="b"))), changed)
    assert [line.partition(":")[0] for line in lines] == ["old", "new"]


def test_answers_that_change_by_themselves_are_named_only_where_answers_are_greedy() -> None:
    sure = run("old", records(by()))
    (known,) = may_explain(sure, run("new", records(by()), deterministic=False))
    (unknown,) = may_explain(sure, run("new", records(by()), deterministic=None))
    assert known == "new: its server is not deterministic: a greedy answer changed when it was requested again"
    assert unknown.startswith("new: whether its server gives the same greedy answer again is not known")
    assert may_explain(sure, run("new", records(by(), temperature=0.7), deterministic=False)) == ()


def test_a_precision_that_nobody_stated_is_named() -> None:
    (line,) = may_explain(run("old", records(by())), run("new", records(by()), dtype=None))
    assert line == "new: the precision that the model was served in is not stated (engine.served_as)"


def test_another_way_to_prompt_is_named_and_a_local_model_is_prompted_exactly() -> None:
    local = ServedRun("local", "m", {"digests": {"tokenizer": "1"}}, records(None))
    exact = run("exact", records(by()), generation={"prompts": "exact"})
    (line,) = may_explain(local, run("chat", records(by())))
    assert line.startswith("prompts were sent in other ways: local: as token ids") and "chat: as messages" in line
    assert may_explain(local, exact) == ()
    recorded = ServedRun("file", "m", {"digests": {"completions": "1"}}, records(None))
    assert may_explain(recorded, run("chat", records(by()))) == ()
