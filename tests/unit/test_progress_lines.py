"""What a run says of itself while it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli import progress as progress_module
from harness.cli.loudness import Loudness
from harness.cli.progress import Progress, engine_text
from harness.cli.rate import Rate, duration_text, rate_text
from harness.datatypes import (
    RECORD_SCHEMA,
    Completion,
    Failure,
    GenerateRequest,
    Record,
    Refusal,
    Reply,
    Sampling,
    TextPrompt,
)
from harness.engines.base import EngineFacts


def record(reply: Reply) -> Record:
    request = GenerateRequest("k", "sums", "s1", 0, TextPrompt("1 + 1 ="), Sampling(4))
    return Record(RECORD_SCHEMA, "run", request, reply, (), "s1", 1.0)


def test_failed_requests_are_counted_apart_from_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress_module, "LINE_SECONDS", 0.0)
    progress = Progress()
    progress.started(6, 0)
    progress.recorded(record(Completion("k", " 2", "stop", 4, 1, 0)))
    progress.recorded(record(Refusal("k", Failure("engine", "server_error", "gone", ours=True))))
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("1/6 answers, ") and second.startswith("1/6 answers, 1 failed, ")


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (
            EngineFacts("local", "m", "chat", device="cpu", dtype="float32"),
            "local engine on cpu, float32, chat prompts",
        ),
        (
            EngineFacts("openai", "m", "chat", dtype="float32, llama.cpp", generation={"prompts": "exact"}),
            "openai engine, served as float32, llama.cpp; prompts: exact, by the tokenizer's chat template",
        ),
        (
            EngineFacts("openai", "m", "text", generation={"prompts": "exact"}),
            "openai engine; prompts: exact, by the tokenizer",
        ),
        (
            EngineFacts("openai", "m", "chat", generation={"prompts": "chat"}),
            "openai engine; prompts: chat, by the server's chat template",
        ),
    ],
)
def test_an_engine_in_a_line(facts: EngineFacts, text: str) -> None:
    assert engine_text(facts) == text


def test_the_time_left_is_what_is_left_at_the_rate_that_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """40 of 100 answers are from an earlier try: the rate is of the 20 that came in 10 seconds."""
    now = [50.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    progress = Progress()
    progress.started(100, 40)
    for _ in range(19):
        now[0] += 0.5
        progress.recorded(record(Completion("k", " 2", "stop", 4, 1, 0)))
    now[0] += 0.5
    progress.recorded(record(Completion("k", " 2 and", "length", 4, 4, 0)))
    assert progress.line(79).endswith("60/100 answers, 2.00/s, about 20 s left, 1 truncated, sums")
    assert progress.line(44) == "60/100 answers, 2.00/s, about 20 s left"
    now[0] += 30
    assert "0.50/s" not in progress.line(79) and "30.0/min, about 1 min 20 s left" in progress.line(79)


def test_a_rate_is_of_the_last_two_minutes() -> None:
    rate = Rate(0.0)
    for second in range(1, 1001):
        rate.ended(float(second))
    for second in range(1001, 1201):
        for _ in range(3):
            rate.ended(float(second))
    assert rate.per_second(1200.0) == pytest.approx(3.0, rel=0.01)
    assert Rate(0.0).per_second(5.0) is None


@pytest.mark.parametrize(
    ("rate", "text"), [(1234.5, "1234/s"), (12.34, "12.3/s"), (1.0, "1.00/s"), (0.5, "30.0/min"), (0.0001, "0.36/h")]
)
def test_a_rate_has_the_unit_in_which_it_is_a_number(rate: float, text: str) -> None:
    assert rate_text(rate) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s"), (7260, "2 h 01 min")]
)
def test_a_time_is_in_two_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_phases_of_a_planned_run_are_a_line_each_without_a_terminal_and_nothing_when_quiet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for loudness in (Loudness.normal, Loudness.quiet):
        with Progress(loudness) as progress:
            # Soon done: an error in it would be the only line
            progress.waiting("binding 2 tasks: 1/2 a")
            progress.planned(EngineFacts("local", "m", "text"), [], Path("run"), None)
            for text in ("trying the server", "", "loading m: 1/2", "loading m: 2/2"):
                progress.waiting(text)
    _, requests, *phases = capsys.readouterr().err.splitlines()
    assert requests == "0 requests -> run" and phases == ["trying the server", "loading m"]


def test_what_takes_its_time_is_timed_with_verbose(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    with Progress(Loudness.verbose) as progress:
        progress.waiting("loading m")
        now[0] += 2.5
    assert capsys.readouterr().err.splitlines() == ["loading m", "2.5 s: loading m"]
