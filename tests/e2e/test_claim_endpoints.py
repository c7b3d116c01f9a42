"""`harness claim check --run` with models behind servers: they count for claims, within one budget, killed or not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from files import REPO, SUMS_PAGE, read_jsonl, write_jsonl
from servers.adding_server import AddingServer, adding
from servers.running import running

SIZE = 300
CLAIM = """\
name: served-claim
about: A sentence about models behind servers.
claims:
  - id: served-better
    quote: "is better than its rival"
    reading: "more right answers"
    source: {url: "https://example.org", kind: press}
    subject: {model: SUBJECT}
    comparators: [{model: RIVAL, also: [ALSO]}]
    test: {metric: accuracy, tasks: [TASK], about: skill}
    relation: ">"
    protocol: {shots: 0, samples: 1, prompt: chat}
"""


def claim_page(folder: Path, subject: str, rival: str, also: str, task: str = "sums") -> str:
    text = CLAIM.replace("SUBJECT", subject).replace("RIVAL", rival).replace("ALSO", also).replace("TASK", task)
    (folder / "served-claim.yaml").write_text(text, encoding="utf-8")
    return "./served-claim.yaml"


def model_page(folder: Path, name: str, url: str, engine: str = "openai", price: str = "") -> str:
    lines = ["name: " + name, "about: A model of a test.", "path: " + name, f"engine: {{name: {engine}, url: '{url}'}}"]
    (folder / f"{name}.yaml").write_text("\n".join([*lines, f"price: {price}" if price else "", ""]), encoding="utf-8")
    return f"./{name}.yaml"


def verdict_of(seen: Any) -> dict[str, Any]:
    assert seen.code == 0, seen.err
    found: dict[str, Any] = json.loads(seen.out)["verdicts"][0]
    return found


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (one["word"], one["rule"]) == (other["word"], other["rule"])
    values = [[(each["value"], each["low"], each["high"], each["n"]) for each in v["evidence"]] for v in (one, other)]
    assert values[0] == values[1]


GPT, CLAUDE = "gpt-4o-2024-08-06", "claude-3-5-sonnet-20241022"


@contextmanager
def two_wires(folder: Path, first: float, second: float) -> Iterator[tuple[list[str], AddingServer, AddingServer]]:
    """GPT on its wire, Claude on its own, and the command that compares them on 300 additions."""
    write_jsonl(folder / "sums.jsonl", [{"id": f"s{i}", "a": i, "b": 7, "total": i + 7} for i in range(SIZE)])
    (folder / "sums.yaml").write_text(SUMS_PAGE, encoding="utf-8")
    with adding(first, 1) as gpt, adding(second, 2) as claude:
        pages = (
            model_page(folder, GPT, gpt.url, price=GPT),
            model_page(folder, CLAUDE, claude.url, "anthropic", "claude-3-5-sonnet"),
        )
        claim = claim_page(folder, "gpt-4o-2024-08-06", "claude-3.5-sonnet", CLAUDE)
        command = ["claim", "check", claim, "--run", "--subject", pages[0], "--comparator", pages[1], "--out", "runs"]
        yield [*command, "--set", "engine.stream=false", "--json"], gpt, claude


def recorded(folder: Path) -> list[str]:
    """The samples of a run's whole records."""
    journal = folder / "records.jsonl"
    lines = journal.read_text(encoding="utf-8").split("\n")[:-1] if journal.exists() else []
    return [json.loads(line)["request"]["sample_id"] for line in lines]


def question(sample: str) -> str:
    return f"What is {sample[1:]} + 7?"


@pytest.mark.parametrize(("shares", "word"), [((0.9, 0.5), "supported"), ((0.4, 0.9), "refuted")])
def test_gpt_and_claude_each_on_its_wire_are_compared_under_one_protocol(
    cli: Callable, tmp_path: Path, shares: tuple[float, float], word: str
):
    with two_wires(tmp_path, *shares) as (command, gpt, claude):
        verdict = verdict_of(cli(*command))
        assert verdict["word"] == word
        folders = [tmp_path / "runs" / name for name in (GPT, CLAUDE)]
        assert set(recorded(folders[0])) == set(recorded(folders[1])) and len(recorded(folders[0])) < SIZE
        assert len(gpt.questions) == len(claude.questions) == len(recorded(folders[0]))
        same(verdict, verdict_of(cli("claim", "check", command[2], *folders, "--json")))
    # The wire alone is no difference of the protocol
    seen = cli("compare", *folders)
    assert seen.code == 0, seen.err


@pytest.mark.slow
def test_runs_of_both_wires_that_were_made_apart_count_too(cli: Callable, tmp_path: Path):
    with two_wires(tmp_path, 0.9, 0.5) as (command, _, _):
        for name in (GPT, CLAUDE):
            words = ("--tasks", "./sums.yaml", "--out", name, "--set", "engine.stream=false")
            seen = cli("run", "--model", f"./{name}.yaml", *words)
            assert seen.code == 0, seen.err
        verdict = verdict_of(cli("claim", "check", command[2], GPT, CLAUDE, "--json"))
    assert verdict["word"] == "supported" and not any(one["faults"] for one in verdict["evidence"])


@pytest.mark.slow
def test_two_served_models_give_a_verdict_and_the_stored_runs_give_the_same(cli: Callable, vllm_shape, tmp_path: Path):
    smaller = REPO / "harness/demo/models/demo-smaller"
    claim = claim_page(tmp_path, "larger", "smaller", "smaller-1", task="demo_math")
    with running("vllm_shape.py", smaller) as other:
        pages = []
        for name, server in (("larger", vllm_shape), ("smaller", other)):
            page = Path(model_page(tmp_path, name, server.url))
            text = (tmp_path / page).read_text(encoding="utf-8").replace(f"path: {name}", f"path: {server.model}")
            (tmp_path / page).write_text(text, encoding="utf-8")
            pages.append(f"./{page}")
        words = ("--subject", pages[0], "--comparator", pages[1], "--limit", "60", "--out", "runs")
        verdict = verdict_of(cli("claim", "check", claim, "--run", *words, "--json"))
    assert verdict["word"] == "supported", verdict["rule"]
    folders = [tmp_path / "runs" / name for name in ("larger", "smaller")]
    same(verdict, verdict_of(cli("claim", "check", claim, *folders, "--json")))


def test_several_models_on_one_server_are_named_after_its_endpoint(cli: Callable, tmp_path: Path):
    with two_wires(tmp_path, 0.9, 0.5) as (_, gpt, _):
        claim = claim_page(tmp_path, "one", "two", "three")
        words = ("--subject", "one", "--comparator", "two", "--endpoint", gpt.url, "--engine", "openai")
        more = ("--concurrency", "4", "--limit", "12", "--out", "runs", "--set", "engine.stream=false")
        verdict = verdict_of(cli("claim", "check", claim, "--run", *words, *more, "--json"))
    # The server gives both the same answers
    assert verdict["word"] == "inconclusive" and len(gpt.questions) == 24
    assert all(len(recorded(tmp_path / "runs" / name)) == 12 for name in ("one", "two"))


def spent_tokens(folder: Path) -> int:
    """Of all runs below a folder, in and out."""
    rows = [row for path in folder.rglob("attempts.jsonl") for row in read_jsonl(path)]
    return sum(row["prompt_tokens"] + row["output_tokens"] for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [("--max-total-tokens", "1500"), ("--max-cost", "0.006")])
def test_one_budget_holds_for_all_models_and_a_larger_one_goes_on(
    cli: Callable, tmp_path: Path, limit: tuple[str, str]
):
    with two_wires(tmp_path, 0.8, 0.6) as (command, gpt, claude):
        seen = cli(*command, *limit)
        assert seen.code == 3, seen.err
        lines = [line for line in seen.err.splitlines() if line.startswith("harness: ")]
        assert len(lines) == 2 and not seen.out
        assert f"{GPT} is " in lines[0] and "not settled after " in lines[0] and " wins, " in lines[0]
        assert "stopped at " in lines[1] and f"run again with a larger {limit[0]} to go on" in lines[1]
        folders = [tmp_path / "runs" / name for name in (GPT, CLAUDE)]
        before = [set(map(question, recorded(folder))) for folder in folders]
        assert all(before)
        if limit[0] == "--max-total-tokens":
            assert spent_tokens(tmp_path / "runs") <= 1500
        gpt.questions.clear()
        claude.questions.clear()
        # Used up: nothing more is requested, of either
        seen = cli(*command, *limit)
        assert seen.code == 3 and not gpt.questions and not claude.questions
        verdict = verdict_of(cli(*command, limit[0], "1000000"))
        assert not set(gpt.questions) & before[0] and not set(claude.questions) & before[1]
    with two_wires(tmp_path, 0.8, 0.6) as (command, _, _):
        command[command.index("runs")] = "undisturbed"
        same(verdict, verdict_of(cli(*command)))


@pytest.mark.slow
def test_killed_in_mid_run_the_same_command_requests_only_the_rest_and_says_the_same(cli: Callable, tmp_path: Path):
    with two_wires(tmp_path, 0.75, 0.6) as (command, gpt, claude):
        folders = [tmp_path / "runs" / name for name in (GPT, CLAUDE)]
        for moment in (13, 31):
            before = [set(map(question, recorded(folder))) for folder in folders]
            for server in (gpt, claude):
                server.questions.clear()
                # So that it is killed while answers are under way, however fast they are
                server.hold_after = moment - len(before[0]) if moment > len(before[0]) else 1
            process = subprocess.Popen(
                [sys.executable, "-m", "harness", *command],
                cwd=tmp_path,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
            try:
                gpt.wait_for(gpt.hold_after + 1)
            finally:
                process.kill()
                process.wait()
            gpt.let_go()
            claude.let_go()
            assert not set(gpt.questions) & before[0] and not set(claude.questions) & before[1]
        before = [set(map(question, recorded(folder))) for folder in folders]
        assert all(before)
        gpt.questions.clear()
        claude.questions.clear()
        verdict = verdict_of(cli(*command))
        assert not set(gpt.questions) & before[0] and not set(claude.questions) & before[1]
        for folder in folders:
            assert len(recorded(folder)) == len(set(recorded(folder)))
        again = list(command)
        again[again.index("runs")] = "undisturbed"
        undisturbed = verdict_of(cli(*again))
    same(verdict, undisturbed)
    assert set(recorded(folders[0])) == set(recorded(tmp_path / "undisturbed" / GPT))


@pytest.mark.slow
@pytest.mark.parametrize("moment", [5, 14])
def test_an_interrupt_ends_the_check_and_loses_no_answer(cli: Callable, tmp_path: Path, moment: int):
    with two_wires(tmp_path, 0.75, 0.6) as (command, gpt, claude):
        gpt.hold_after = claude.hold_after = moment
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", *command],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        try:
            gpt.wait_for(moment + 1)
            process.send_signal(signal.SIGINT)
            gpt.let_go()
            claude.let_go()
            _, errors = process.communicate(timeout=300)
        finally:
            process.kill()
        assert process.returncode == 130, errors
        assert "interrupted; run the same command again to resume" in errors and "Traceback" not in errors
        before = [set(map(question, recorded(tmp_path / "runs" / name))) for name in (GPT, CLAUDE)]
        gpt.questions.clear()
        claude.questions.clear()
        verdict_of(cli(*command))
        assert not set(gpt.questions) & before[0] and not set(claude.questions) & before[1]


def test_a_budget_for_models_that_send_no_requests_is_refused(cli: Callable, tmp_path: Path):
    claim = claim_page(tmp_path, "demo-larger", "demo-smaller", "x", task="demo_math")
    words = ("--subject", "demo-larger", "--comparator", "demo-smaller", "--max-cost", "1")
    seen = cli("claim", "check", claim, "--run", *words)
    assert seen.code == 2 and "these engines send none" in seen.err, seen.err
    seen = cli("claim", "check", claim, "--max-cost", "1")
    assert seen.code == 2 and "--max-cost: needs --run" in seen.err, seen.err


@pytest.mark.parametrize(
    "words",
    [
        ("dsv4-outperforms", "--subject", "deepseek-v4-pro", "--comparator", GPT, "--comparator", CLAUDE),
        ("dsv4-python", "--model", "deepseek-v4-flash"),
        ("dsv4-cpp", "--model", "deepseek-v4-pro", "--max-cost", "2"),
    ],
)
def test_the_press_claims_about_hosted_models_lack_only_a_key(
    cli: Callable, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
):
    for name in ("DEEPSEEK_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    seen = cli("claim", "check", words[0], "--run", *words[1:])
    # A slow start says what it does in a line of its own
    fault = [line for line in seen.err.splitlines() if not line.startswith("harness claim: ")]
    assert seen.code == 2 and len(fault) == 1, seen.err
    assert "the environment variable DEEPSEEK_API_KEY is not set" in fault[0]
