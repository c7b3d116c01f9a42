"""`harness run --repeat-check N` as a user types it: what changes when the same samples are requested again."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from files import SUMS_PAGE, read_jsonl, write_jsonl

# Adds up rightly at first; for a request that it has answered before it follows DRIFT, by sample id
ENGINE = """
import json
from pathlib import Path

from harness.datatypes import Attempt, Completion, Failure, Refusal
from harness.engines.base import Capabilities, EngineFacts, PromptSize
from harness.errors import EngineError

DRIFT = {}
WRONG = set()
LOADED = []
STREAMS = []


class Drifting:
    def __init__(self):
        self.ledger = None

    def capabilities(self):
        return Capabilities(answers_by="prompt", loglikelihoods=True, seeds=True)

    def facts(self):
        return EngineFacts("drifting", "drifting", "text")

    def check(self, requests):
        pass

    def measure(self, request):
        return PromptSize(None, 0, 0, "")

    def load(self):
        LOADED.append(True)

    def ready(self):
        pass

    def account_to(self, ledger, waiting):
        self.ledger = ledger

    def in_flight(self):
        return 0

    def finish_in_flight(self, seconds):
        return iter(())

    def stream(self, requests):
        before = {name for stream in STREAMS for name in stream}
        STREAMS.append([(request.task, request.sample_id) for request in requests])
        for request in requests:
            a, b = request.prompt.text.removesuffix(" =").split(" + ")
            answer = f" {int(a) + int(b) + 100 * (request.sample_id in WRONG)}"
            if (request.task, request.sample_id) in before:
                answer = DRIFT.get(request.sample_id, answer)
            if answer == "lost":
                yield Refusal(request.key, Failure("engine", "server_error", "the server failed", ours=True))
                continue
            if answer == "end":
                raise EngineError("stopped at $1.00 of $1.00")
            if answer == "interrupt":
                raise KeyboardInterrupt
            if self.ledger is not None:
                self.ledger.record(Attempt(request.key, "http://x", 1.0, 0.1, "answered", True, 200, 5))
            yield Completion(request.key, answer, "eos")

    def close(self):
        pass


def build(spec, options):
    return Drifting()
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of an installed engine whose answers to repeated requests can be chosen."""
    package = tmp_path / "site"
    info = package / "drifting-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: drifting\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[harness.engine]\ndrifting = drifting_engine\n")
    (package / "drifting_engine.py").write_text(ENGINE)
    monkeypatch.syspath_prepend(package)
    monkeypatch.delitem(sys.modules, "drifting_engine", raising=False)
    import drifting_engine

    return drifting_engine


@pytest.fixture
def run(cli: Callable[..., Any], sums: Path) -> Callable[..., Any]:
    """Run the additions with that engine."""
    return lambda *words, out="run": cli("run", "--engine", "drifting", "--tasks", sums, "--out", out, *words)


def check_file(folder: Path) -> dict[str, Any]:
    """What the run folder says."""
    values: dict[str, Any] = json.loads((folder / "repeat_check.json").read_text())
    return values


def counts(found: dict[str, Any]) -> tuple[int, int]:
    """Changed, of how many."""
    return found["changed"], found["n"]


def test_changed_texts_and_scores_are_counted_and_the_scores_stay(engine, run, tmp_path):
    # One text with another score, one with the same
    engine.DRIFT.update(s1=" 999", s2=" it is 6")
    done = run("--repeat-check", 10)
    assert done.code == 0, done.err
    assert "10 of 10 greedy answers were requested again: 2 of 10 texts changed" in done.out.replace("\n", " ")
    assert "1 of 10 scores changed (95 % interval 0.3 to 44.5 %)" in done.out.replace("\n", " ")
    summary = check_file(tmp_path / "run")["summary"]
    assert counts(summary["all"]["texts"]) == (2, 10)
    assert counts(summary["tasks"]["sums"]["scores"]) == (1, 10)
    changed = {
        each["sample_id"]: each["text"] for each in check_file(tmp_path / "run")["samples"] if each["text_changed"]
    }
    assert changed == {"s1": " 999", "s2": " it is 6"}
    rows = read_jsonl(tmp_path / "run" / "records.jsonl")
    assert len(rows) == 10 and all(row["scores"][0]["value"] == 1 for row in rows), "second answers are no records"
    assert json.loads((tmp_path / "run" / "scores.json").read_text())["rows"][0]["value"] == 1
    assert "Repeat check" in (tmp_path / "run" / "table.md").read_text()


def test_json_output_has_the_shares(engine, run):
    engine.DRIFT.update(s1=" 999")
    found = json.loads(run("--repeat-check", 10, "--json").out)["repeat_check"]
    assert (found["requested"], counts(found["all"]["scores"])) == (10, (1, 10))


def test_the_same_samples_are_chosen_whatever_was_resumed(engine, run, tmp_path):
    run("--repeat-check", 4)
    run("--limit", 3, out="resumed")
    run("--repeat-check", 4, out="resumed")
    keys = [[each["key"] for each in check_file(tmp_path / out)["samples"]] for out in ("run", "resumed")]
    assert keys[0] == keys[1] and len(keys[0]) == 4


def test_a_finished_run_is_checked_once(engine, run, tmp_path):
    run()
    engine.LOADED.clear()
    first = run("--repeat-check", 4)
    assert "is finished" in first.out and engine.LOADED == [True] and len(engine.STREAMS[-1]) == 4
    streams = len(engine.STREAMS)
    again = run("--repeat-check", 4)
    assert again.code == 0 and "nothing was done" in again.out and len(engine.STREAMS) == streams
    assert "4 of 10 greedy answers were requested again" in again.out
    run("--repeat-check", 5)
    assert len(engine.STREAMS[-1]) == 5, "another number is another check"


def test_a_longer_run_is_checked_again(engine, run, tmp_path):
    run("--limit", 5, "--repeat-check", 5)
    run("--repeat-check", 5)
    assert check_file(tmp_path / "run")["eligible"] == 10


def test_equal_requests_of_several_tasks_are_each_requested_again(engine, cli, sums, tmp_path):
    (tmp_path / "again.yaml").write_text(SUMS_PAGE.replace("name: sums", "name: again"))
    engine.DRIFT.update(s1=" 999")
    done = cli(
        "run", "--engine", "drifting", "--tasks", "./sums.yaml,./again.yaml", "--out", "run", "--repeat-check", 20
    )
    assert done.code == 0, done.err
    assert [len(stream) for stream in engine.STREAMS] == [10, 20]
    summary = check_file(tmp_path / "run")["summary"]
    assert counts(summary["all"]["scores"])[1] == 20 and counts(summary["tasks"]["again"]["scores"])[1] == 10


def test_second_requests_are_in_the_account_and_not_in_the_cost_of_the_answers(engine, run, cli, tmp_path):
    run()
    before = json.loads(cli("cost", "run", "--json").out)
    run("--repeat-check", 4)
    assert len(read_jsonl(tmp_path / "run" / "attempts.jsonl")) == 14
    after = json.loads(cli("cost", "run", "--json").out)
    assert after["rows"] == before["rows"]
    assert "4 requests of the repeat check are left out." in cli("cost", "run").out


def test_a_sample_without_a_second_answer_is_counted_apart(engine, run, tmp_path):
    engine.DRIFT.update(s1="lost", s2=" 999")
    done = run("--repeat-check", 10)
    assert done.code == 0, done.err
    assert "; 1 without a second answer." in done.out.replace("\n", " ")
    found = check_file(tmp_path / "run")
    assert counts(found["summary"]["all"]["scores"]) == (1, 9)
    lost = next(each for each in found["samples"] if each["sample_id"] == "s1")
    assert (lost["text_changed"], lost["second"], lost["failure"]) == (None, None, "the server failed")


def test_a_failure_in_the_check_leaves_the_run_finished(engine, run, tmp_path):
    engine.DRIFT.update({f"s{i}": "end" for i in range(10)})
    failed = run("--repeat-check", 4)
    assert failed.code == 3 and "the run itself is finished" in failed.err and "stopped at $1.00" in failed.err
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["status"] == "finished"
    assert not (tmp_path / "run" / "repeat_check.json").exists()
    assert run().code == 0


def test_an_interrupt_in_the_check_leaves_the_run_finished(engine, run, tmp_path):
    engine.DRIFT.update({f"s{i}": "interrupt" for i in range(10)})
    assert run("--repeat-check", 4).code == 130
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["status"] == "finished"


def test_compare_says_where_a_difference_is_no_larger_than_what_changes(engine, run, cli):
    engine.DRIFT.update(s1=" 999")
    run("--repeat-check", 10, out="a")
    engine.STREAMS.clear()
    engine.WRONG.add("s5")
    run(out="b")
    engine.WRONG.update({"s6", "s7", "s8"})
    engine.STREAMS.clear()
    run(out="c")
    sentence = (
        "sums: the difference of -0.100 is within what changes when the same samples are requested again: 1 of 10"
    )
    warnings = {out: json.loads(cli("compare", "a", out, "--json").out)["warnings"] for out in "bc"}
    assert any(warning.startswith(sentence) and warning.endswith("(a)") for warning in warnings["b"]), warnings
    assert not any("requested again" in warning for warning in warnings["c"]), "0.4 is more than 0.1"


def test_a_check_of_other_scores_is_not_used(engine, run, cli, tmp_path):
    engine.DRIFT.update(s1=" 999")
    run("--repeat-check", 10, out="a")
    rows = read_jsonl(tmp_path / "a" / "records.jsonl")
    for row in rows:
        row["scores"][0]["value"] = 0.0 if row["request"]["sample_id"] == "s3" else 1.0
    write_jsonl(tmp_path / "a" / "records.jsonl", rows)
    engine.STREAMS.clear()
    run(out="b")
    assert "requested again" not in cli("compare", "a", "b").out
    assert "made before the run was scored again" in run(out="a").out.replace("\n", " ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--set", "tasks.sums.sampling.temperature=1"), "no task of this run generates with temperature 0"),
        (("--set", "seed=1", "--repeat-check=0"), "repeat_check"),
    ],
)
def test_what_cannot_be_checked_is_refused_before_the_first_request(engine, run, tmp_path, words, message):
    given = words if any(str(word).startswith("--repeat-check") for word in words) else (*words, "--repeat-check", 4)
    seen = run(*given)
    assert seen.code == 2 and message in seen.err and "Traceback" not in seen.err
    assert not engine.STREAMS and not (tmp_path / "run").exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 1}', '{"schema": 9}'])
def test_a_damaged_file_is_one_line(engine, run, cli, tmp_path, text):
    run("--repeat-check", 4)
    (tmp_path / "run" / "repeat_check.json").write_text(text)
    for seen in (cli("compare", "run", "run"), run("--repeat-check", 4), run()):
        assert seen.code == 2 and "Traceback" not in seen.err
        assert "repeat_check.json: cannot be read" in seen.err.strip().splitlines()[-1]


def test_a_file_of_another_run_is_not_used(engine, run, tmp_path):
    run("--repeat-check", 4)
    other = check_file(tmp_path / "run") | {"run_id": "another"}
    (tmp_path / "run" / "repeat_check.json").write_text(json.dumps(other))
    assert "Repeat check" not in run().out


def test_a_dry_run_names_the_requests_that_its_sums_leave_out(engine, run):
    done = run("--repeat-check", 4, "--dry-run")
    assert done.code == 0 and "4 requests more at most, for --repeat-check: not in these sums" in done.out, done.err
    assert not engine.STREAMS


def test_answers_from_a_file_say_nothing_about_the_model(cli, sums, sums_answers):
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--repeat-check", 4)
    seen = cli(*words)
    assert "which says nothing about the model: 0 of 4 texts changed" in seen.out.replace("\n", " "), seen.err


def test_the_local_engine_gives_the_same_answers_again(cli, tmp_path):
    done = cli(
        "run", "--model", "demo-smaller", "--tasks", "demo_math", "--limit", 6, "--out", "run", "--repeat-check", 4
    )
    assert done.code == 0, done.err
    assert "4 of 6 greedy answers were requested again: 0 of 4 texts changed" in done.out.replace("\n", " ")
