"""Runs through a server that are killed, interrupted, refused or left alone end as a user can rely on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from files import read_jsonl
from servers.relay import Seen, relay
from servers.suite import by_sample

# Far beyond what a run takes on a busy machine: reached only by one that hangs
LIMIT = 600
TASK = "Show the steps"
KEY = "sk-test-5ecretWordOfATest0123456789"


def words(*urls: str, tasks: str = "demo_math", limit: int = 40) -> list[str]:
    """A command that runs through one or several servers."""
    command = ["run", "--engine", "openai", "--model", "demo", "--set", f"engine.url={json.dumps(list(urls))}"]
    return [*command, "--tasks", tasks, "--limit", str(limit), "--out", "r"]


@contextmanager
def harness(*command: object, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """The real command in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *map(str, command)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def task_prompts(between: Any) -> dict[str, int]:
    """How often the prompt of each sample was requested."""
    return {prompt: count for prompt, count in between.prompts().items() if TASK in prompt}


def stored_prompts(folder: Path) -> list[str]:
    """The prompts of the records that are whole."""
    journal = folder / "records.jsonl"
    if not journal.exists():
        return []
    lines = journal.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line)["request"]["prompt"]["messages"][-1]["content"] for line in lines]


@pytest.mark.slow
def test_killed_at_random_moments_nothing_is_requested_twice_that_is_recorded_and_nothing_is_missing(
    llama_server, tmp_path
):
    moments = random.Random(20261126)
    stored: list[str] = []
    for _ in range(3):
        with relay(llama_server.url) as between, harness(*words(between.url), cwd=tmp_path) as process:
            before = list(stored)
            wanted = moments.randrange(2, 9)
            between.wait_until(lambda relayed=between, least=wanted: relayed.answered_with(TASK) >= least)
            process.kill()
            process.wait()
            assert not set(task_prompts(between)) & set(before)
        stored = stored_prompts(tmp_path / "r")
        assert len(stored) == len(set(stored)) >= len(before)
    with relay(llama_server.url) as between, harness(*words(between.url), cwd=tmp_path) as process:
        _, errors = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, errors
        requested = task_prompts(between)
    assert not set(requested) & set(stored)
    assert set(requested.values()) <= {1} and len(requested) == 40 - len(stored)
    assert len(by_sample(tmp_path / "r")) == 40


@pytest.mark.slow
def test_of_two_servers_one_is_killed_in_mid_run_and_every_record_is_there_once(llama_server, tmp_path):
    with relay(llama_server.url) as first, relay(llama_server.url) as second:
        # Both get their share: with a common beginning all prompts may go to one of them
        with harness(*words(first.url, second.url, limit=80), cwd=tmp_path) as process:
            first.hold_from(20)
            second.hold_from(20)
            while max(len(first.seen), len(second.seen)) <= 20:
                assert process.poll() is None
                time.sleep(0.02)
            victim, other = (first, second) if len(first.seen) > len(second.seen) else (second, first)
            victim.kill()
            other.hold_from(None)
            _, errors = process.communicate(timeout=LIMIT)
            assert process.returncode == 0, errors
        assert task_prompts(victim) and task_prompts(other)
    records = by_sample(tmp_path / "r")
    assert len(records) == 80
    assert all(record["reply"]["kind"] == "completion" for record in records.values())


def test_after_ctrl_c_what_is_in_flight_is_recorded(llama_server, tmp_path):
    with relay(llama_server.url) as between, harness(*words(between.url), cwd=tmp_path) as process:
        between.hold_from(24)
        between.wait_until(lambda: len(between.seen) >= 28)
        stored = len(stored_prompts(tmp_path / "r"))
        flying = set(task_prompts(between))
        process.send_signal(signal.SIGINT)
        # It says what it waits for before the answers come
        first = process.stderr.readline()
        while first and "wait" not in first.lower() and "interrupt" not in first.lower():
            first = process.stderr.readline()
        between.hold_from(None)
        _, errors = process.communicate(timeout=LIMIT)
        assert process.returncode == 130, errors
        assert "Traceback" not in errors
        requested = set(task_prompts(between))
    recorded = set(stored_prompts(tmp_path / "r"))
    assert flying <= recorded == requested
    assert stored < len(recorded) < 40
    assert json.loads((tmp_path / "r/manifest.json").read_text())["status"] == "interrupted"


def test_a_refused_key_costs_one_request_and_is_written_nowhere(cli, llama_server, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    refusal = {"error": {"message": f"Incorrect API key provided: {KEY}.", "type": "invalid_request_error"}}
    with relay(llama_server.url, answer=lambda _: (401, refusal)) as between:
        seen = cli(*words(between.url), "--set", "engine.key_env=MY_KEY")
        posts = [one for one in between.seen if one.text]
        assert all(one.headers["authorization"] == f"Bearer {KEY}" for one in between.seen)
        assert len(between.seen) == 1 and len(posts) <= 1
    assert seen.code == 2, seen.err
    assert "Traceback" not in seen.err
    errors = [line for line in seen.err.splitlines() if line.startswith("harness:")]
    assert len(errors) == 1 and "key" in errors[0]
    assert KEY not in seen.out + seen.err
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_the_key_of_a_finished_run_is_written_nowhere(cli, llama_server, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", KEY)
    with relay(llama_server.url) as between:
        seen = cli(*words(between.url, limit=3), "--set", "engine.key_env=MY_KEY")
        assert {one.headers.get("authorization") for one in between.seen if one.text} == {f"Bearer {KEY}"}
    assert seen.code == 0, seen.err
    assert KEY not in seen.out + seen.err
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_24_empty_answers_are_reported_and_not_just_scored(cli, llama_server, tmp_path):
    def empty(seen: Seen) -> tuple[int, Any] | None:
        if TASK not in seen.text:
            return None
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": ""}}
        usage = {"prompt_tokens": 20, "completion_tokens": 0, "total_tokens": 20}
        return 200, {"id": "x", "object": "chat.completion", "model": "demo", "choices": [choice], "usage": usage}

    with relay(llama_server.url, answer=empty) as between:
        seen = cli(*words(between.url, limit=24), "--set", "engine.stream=false", "--json")
        # An empty answer is requested once more, and no more often
        assert set(task_prompts(between).values()) == {2}
    assert seen.code == 0, seen.err
    page = json.loads(seen.out)
    assert page["rows"][0]["value"] == 0 and page["rows"][0]["n"] == 24
    assert any("24 of 24" in line and "empty" in line for line in page["warnings"]), page["warnings"]


def test_a_server_that_hangs_ends_in_its_deadline(cli, llama_server, tmp_path):
    with relay(llama_server.url) as between:

        def hang(seen: Seen) -> tuple[int, Any] | None:
            if TASK in seen.text:
                with between.changed:
                    between.changed.wait_for(lambda: between.dead)
            return None

        between.answer = hang
        limits = ("engine.idle_seconds=0.5", "engine.request_deadline=2", "engine.stall_seconds=4")
        seen = cli(*words(between.url, limit=4), *(word for limit in limits for word in ("--set", limit)))
    assert seen.code in (1, 3), seen.err
    assert "Traceback" not in seen.err
    records = read_jsonl(tmp_path / "r/records.jsonl") if (tmp_path / "r/records.jsonl").exists() else []
    assert all(score["value"] is None for record in records for score in record["scores"])


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_that_only_fails_scores_nothing(cli, llama_server, tmp_path, status):
    def fail(seen: Seen) -> tuple[int, Any] | None:
        return (status, {"error": {"message": "no luck", "code": status}}) if TASK in seen.text else None

    with relay(llama_server.url, answer=fail) as between:
        limits = ("engine.request_deadline=2", "engine.stall_seconds=4")
        seen = cli(*words(between.url, limit=4), *(word for limit in limits for word in ("--set", limit)))
    assert seen.code in (1, 3), seen.err
    assert "Traceback" not in seen.err
    records = by_sample(tmp_path / "r").values()
    assert all(record["reply"]["kind"] == "refusal" for record in records)
    assert all("no luck" in record["reply"]["failure"]["message"] for record in records)
    assert all(score["value"] is None for record in records for score in record["scores"])
