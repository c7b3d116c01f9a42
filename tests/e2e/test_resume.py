"""A run that is killed at any instant ends, when the same command is typed again, as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from files import read_jsonl, write_jsonl

# What may differ between two runs of the same thing: when, and how fast
TIMINGS = {"finished_at", "seconds", "run_id"}


def settled(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records without their timings, in the order of their keys."""

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: strip(inner) for key, inner in value.items() if key not in TIMINGS}
        return [strip(inner) for inner in value] if isinstance(value, list) else value

    return sorted((strip(record) for record in records), key=lambda record: record["request"]["key"])


# The real command, which ends itself at a given record: no watcher that a busy machine could make late
ENDS_ITSELF = """
import os, signal, sys
from harness.cli.main import main
from harness.store import journal

how, wanted = sys.argv[1], int(sys.argv[2])
sys.argv = ["harness", *sys.argv[3:]]
write, appended = os.write, 0

def ends(file, content):
    global appended
    appended += 1
    if appended != wanted:
        return write(file, content)
    if how == "interrupted":
        done = write(file, content)
        os.kill(os.getpid(), signal.SIGINT)
        return done
    if how != "before":
        write(file, content[: len(content) // 2] if how == "midway" else content)
    os.kill(os.getpid(), signal.SIGKILL)

class Os:
    def __getattr__(self, name):
        return ends if name == "write" else getattr(os, name)

journal.os = Os()
main()
"""
# Far beyond what a run takes on a busy machine: reached only by one that hangs
LIMIT = 1800


def harness(*words: object, cwd: Path, ends: tuple[str, int] | None = None) -> tuple[int, bytes]:
    """Run the real command in a process of its own, which may end itself; return its exit code and stderr."""
    start = ["-m", "harness"] if ends is None else ["-c", ENDS_ITSELF, *map(str, ends)]
    done = subprocess.run(
        [sys.executable, *start, *map(str, words)],
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=LIMIT,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.slow
def test_killed_at_random_moments_the_records_are_those_of_an_undisturbed_run(tmp_path):
    words = ("run", "--model", "demo-smaller", "--tasks", "demo_math", "--limit", 20, "--batch-size", 2)
    code, errors = harness(*words, "--out", "whole", cwd=tmp_path)
    assert code == 0, errors.decode()
    whole = read_jsonl(tmp_path / "whole/records.jsonl")
    assert len(whole) == 20

    generator, journal, stood = random.Random(20261123), tmp_path / "cut/records.jsonl", 0
    for how in ("before", "midway", "after"):
        wanted = generator.randrange(1, 6)
        code, errors = harness(*words, "--out", "cut", cwd=tmp_path, ends=(how, wanted))
        assert code == -signal.SIGKILL, errors.decode()
        assert json.loads((tmp_path / "cut/manifest.json").read_text())["status"] == "running"
        stood += wanted if how == "after" else wanted - 1
        content = journal.read_bytes()
        assert (content.count(b"\n"), content.endswith(b"\n") or not content) == (stood, how != "midway")
    code, errors = harness(*words, "--out", "cut", cwd=tmp_path)
    assert code == 0, errors.decode()
    assert b"already answered" in errors
    cut = read_jsonl(journal)
    assert settled(cut) == settled(whole)
    scores = [json.loads((tmp_path / name / "scores.json").read_text())["rows"][0] for name in ("cut", "whole")]
    assert scores[0]["value"] == scores[1]["value"] and scores[0]["n"] == scores[1]["n"] == 20


def test_interrupted_by_ctrl_c_says_how_to_go_on(tmp_path):
    words = ("run", "--model", "demo-smaller", "--tasks", "demo_math", "--batch-size", 1, "--out", "r")
    code, errors = harness(*words, cwd=tmp_path, ends=("interrupted", 2))
    assert code == 130, errors.decode()
    assert b"same command" in errors and b"Traceback" not in errors
    assert json.loads((tmp_path / "r/manifest.json").read_text())["status"] == "interrupted"


def test_a_torn_last_line_is_dropped_and_asked_again(cli, sums, sums_answers, tmp_path):
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r")
    cli(*words)
    journal = tmp_path / "r/records.jsonl"
    whole = settled(read_jsonl(journal))
    content = journal.read_bytes()
    journal.write_bytes(content[: len(content) - 37])
    seen = cli(*words)
    assert seen.code == 0, seen.err
    assert settled(read_jsonl(journal)) == whole


def test_a_damaged_line_in_the_middle_is_never_skipped_in_silence(cli, sums, sums_answers, tmp_path):
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r")
    cli(*words)
    journal = tmp_path / "r/records.jsonl"
    lines = journal.read_bytes().split(b"\n")
    lines[3] = lines[3][:50]
    journal.write_bytes(b"\n".join(lines))
    seen = cli(*words)
    assert seen.code == 2 and "records.jsonl:4" in seen.err


def test_an_edited_score_enters_no_mean_and_no_comparison(cli, sums, sums_answers, tmp_path):
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r")
    cli(*words)
    cli(*words[:-1], "whole")
    journal = tmp_path / "r/records.jsonl"
    lines = read_jsonl(journal)
    lines[3]["scores"][0]["value"] = 7.0
    write_jsonl(journal, lines)
    for command in (words, ("rescore", "r"), ("compare", "whole", "r")):
        seen = cli(*command)
        assert seen.code == 2 and "records.jsonl:4: " in seen.err and "is 7, and its scorer gives 0 or 1" in seen.err


def test_two_processes_never_write_one_run(cli, sums, sums_answers, tmp_path):
    from harness.store.run_folder import lock_folder

    held = lock_folder(tmp_path / "r")
    seen = cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r")
    assert seen.code == 2 and "another process" in seen.err
    held.release()


def test_rescore_judges_stored_answers_with_todays_scorer(cli, sums, sums_answers, tmp_path):
    """Yesterday the page read the last number; today it reads the first: same answers, other scores, no model."""
    rows = [{"task": "sums", "sample_id": f"s{i}", "completion": f"{3 * i} is not {i + 500}"} for i in range(10)]
    write_jsonl(sums_answers, rows)
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r", "--json")
    assert json.loads(cli(*words).out)["rows"][0]["value"] == 0.0
    sums.write_text(sums.read_text().replace("pick: last", "pick: first"))
    sums_answers.unlink()
    seen = cli("rescore", "r")
    assert seen.code == 0, seen.err
    assert "10 of 10" in seen.out and "1.000" in seen.out
    assert len(list((tmp_path / "r").glob("records.before-rescore-*.jsonl"))) == 1
    assert "0 of 10" in cli("rescore", "r").out


def test_rescore_takes_other_limits_and_refuses_other_questions(cli, sums, sums_answers):
    cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r")
    assert cli("rescore", "r", "--set", "execution.wall_seconds=20").code == 0
    seen = cli("rescore", "r", "--set", "seed=3")
    assert seen.code == 2 and "seed" in seen.err


def test_a_corrected_right_answer_is_scored_again_without_the_model(cli, sums, sums_answers):
    cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r")
    sums.write_text(sums.read_text().replace('answer: ["{{ total }}"]', 'answer: ["{{ total }}", "{{ 1000 + a }}"]'))
    seen = cli("rescore", "r", "--json")
    assert json.loads(seen.out)["rows"][0]["value"] == 1.0


def test_killed_before_the_first_manifest_the_same_command_goes_on(cli, sums, sums_answers, tmp_path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r/.lock").touch()
    (tmp_path / "r/manifest.json.new").write_text("{")
    seen = cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r")
    assert seen.code == 0, seen.err


def test_rescore_refuses_when_the_page_asks_something_else(cli, sums, sums_answers, tmp_path):
    cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r")
    sums.write_text(sums.read_text().replace("{{ a }} + {{ b }} =", "{{ a }} plus {{ b }} ="))
    seen = cli("rescore", "r")
    assert seen.code == 2 and "has changed since this run" in seen.err


def test_rescore_leaves_no_answer_with_an_old_score(cli, sums, sums_answers):
    """Four answers, then a look at two of them, then a corrected page: all four are judged anew."""
    text = sums.read_text()
    sums.write_text(
        text.replace("extract: {by: number, pick: last}", "extract: {by: regex, pattern: 'sum is ([0-9]+)'}")
    )
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r", "--json")
    assert json.loads(cli(*words, "--limit", 4).out)["rows"][0]["value"] == 0.0
    assert json.loads(cli(*words, "--limit", 2).out)["rows"][0]["n"] == 2
    sums.write_text(text)
    row = json.loads(cli("rescore", "r", "--json").out)["rows"][0]
    assert (row["n"], row["value"]) == (4, 1.0)
    row = json.loads(cli(*words, "--limit", 4).out)["rows"][0]
    assert (row["n"], row["value"]) == (4, 1.0)


def test_a_rescored_run_that_was_interrupted_still_lacks_its_other_answers(cli, sums, sums_answers, tmp_path):
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r")
    assert cli(*words).code == 0
    manifest, journal = tmp_path / "r/manifest.json", tmp_path / "r/records.jsonl"
    manifest.write_text(manifest.read_text().replace('"status": "finished"', '"status": "interrupted"'))
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:3]))
    assert cli("rescore", "r").code == 0
    assert json.loads(manifest.read_text())["tasks"]["sums"]["n"] == 10
    assert "3 of 10" in " ".join(cli("runs", ".").out.split())
    assert cli(*words).code == 0
    assert len(read_jsonl(journal)) == 10


def test_rescore_keeps_the_absolute_path_of_a_mirror(cli, sums, sums_answers, tmp_path, monkeypatch):
    cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r")
    monkeypatch.setenv("HOME", str(tmp_path))
    for typed in ("~/mirror", "mirror"):
        (tmp_path / "mirror").mkdir(exist_ok=True)
        seen = cli("rescore", "r", "--set", f"data.mirror={typed}")
        assert seen.code == 0, seen.err
        stored = json.loads((tmp_path / "r/manifest.json").read_text())["config"]["data"]["mirror"]
        assert stored == str(tmp_path / "mirror")


def test_rescore_waits_for_no_running_run(cli, sums, sums_answers, tmp_path):
    from harness.store.run_folder import lock_folder

    cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r")
    held = lock_folder(tmp_path / "r")
    seen = cli("rescore", "r")
    held.release()
    assert seen.code == 2 and "another process" in seen.err


def test_a_fault_that_stays_is_not_asked_again(cli, sums, tmp_path):
    answers = write_jsonl(tmp_path / "a.jsonl", [{"task": "sums", "sample_id": "s1", "completion": "3"}])
    words = ("run", "--engine", "scripted", "--completions", answers, "--tasks", sums, "--out", "r")
    assert cli(*words).code == 1
    before = (tmp_path / "r/records.jsonl").read_bytes()
    again = cli(*words)
    assert again.code == 1 and "finished already" in again.out
    assert (tmp_path / "r/records.jsonl").read_bytes() == before


def test_a_run_that_is_being_extended_does_not_pass_for_finished(cli, sums, sums_answers, tmp_path, monkeypatch):
    from harness.engines.scripted import ScriptedEngine

    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r")
    assert cli(*words, "--limit", 4).code == 0

    def cut_off(self, requests):
        raise KeyboardInterrupt

    def status() -> str:
        return json.loads((tmp_path / "r/manifest.json").read_text())["status"]

    seen = []
    monkeypatch.setattr(ScriptedEngine, "load", lambda self: seen.append(status()))
    with monkeypatch.context() as patch:
        patch.setattr(ScriptedEngine, "stream", cut_off)
        assert cli(*words).code == 130
    assert seen == ["running"] and status() == "interrupted"
    assert cli(*words).code == 0 and status() == "finished"
