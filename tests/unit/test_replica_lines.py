"""What is said of an engine's replicas while a run goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from harness.cli import progress as progress_module
from harness.cli.loudness import Loudness
from harness.cli.progress import Progress
from harness.cli.replica_lines import ReplicaLines
from harness.engines.base import ReplicaState, Watched


@dataclass
class Shown:
    """An engine that shows what it is given."""

    states: Sequence[ReplicaState]
    say: Callable[[str], None] = print

    def watch(self, say: Callable[[str], None]) -> None:
        self.say = say

    def replicas(self) -> Sequence[ReplicaState]:
        return self.states


def state(number: int, done: int = 100, silent: float = 1.0, tokens: int | None = None) -> ReplicaState:
    return ReplicaState(str(number), f"node {number}, cuda:0", "working", done, 16, 100.0, silent, tokens)


def test_slow_silent_and_lost_replicas_are_named() -> None:
    lost = replace(state(5), state="was lost")
    engine = Shown([state(1), state(2), state(3, silent=75), state(4, done=20), lost])
    assert isinstance(engine, Watched)
    assert ReplicaLines(engine).parts(0.0) == [
        "4 replicas (1 lost)",
        "64 rows",
        "slow: node 4, cuda:0",
        "no answer for 1 min 15 s: node 3, cuda:0",
    ]


def test_a_single_model_shows_rows_and_tokens_a_second() -> None:
    engine = Shown([state(1, tokens=1000, silent=500)])
    lines = ReplicaLines(engine)
    assert lines.parts(10.0) == ["16 rows"]
    engine.states = [state(1, tokens=1600)]
    assert lines.parts(14.0) == ["16 rows", "150 tokens/s"]
    assert not list(lines.lines())
    assert not ReplicaLines(Shown([])).parts(0.0)


def test_each_replica_has_a_line_with_verbose_and_its_loss_is_shown_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress_module, "LINE_SECONDS", 0.0)
    engine = Shown([state(1), replace(state(2, done=7), state="was stuck and is ended")])
    progress = Progress(Loudness.verbose)
    progress.watching(engine)
    progress.started(300, 0)
    engine.say("the replica on node 2 was stuck")
    progress._line_if_due()
    first, second, third, fourth = capsys.readouterr().err.splitlines()
    assert first == "the replica on node 2 was stuck"
    assert second.startswith("0/300 answers, 1 replica (1 lost), 16 rows")
    assert third == "replica 1 on node 1, cuda:0 is working: 16 rows, 100 answers, 1.00/s, the last 1 s ago"
    assert fourth == "replica 2 on node 2, cuda:0 was stuck and is ended: 7 answers, 4.20/min"


def test_a_line_comes_by_the_clock_while_no_answer_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress_module, "LINE_SECONDS", 0.0)
    monkeypatch.setattr(progress_module, "LOOK_SECONDS", 0.01)
    with Progress() as progress:
        progress.started(300, 0)
        seen = ""
        while "0/300 answers" not in seen:
            seen += capsys.readouterr().err
