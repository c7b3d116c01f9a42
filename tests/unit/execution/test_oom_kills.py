"""The kernel's counters of out-of-memory kills, in each of their formats."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.execution import oom_kills

FORMS = {
    "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    "memory.events": "low 0\nhigh 0\nmax 7\noom 2\noom_kill 3\noom_group_kill 1\n",
    "vmstat": "nr_free_pages 12\nnr_oom_kill_x 9\noom_kill 3\nnuma_hit 1\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_the_counter_is_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).write_text(FORMS[name])
    monkeypatch.setattr(oom_kills, "_counters", lambda: (tmp_path / name,))
    assert oom_kills.count() == 3


def test_without_a_counter_nothing_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oom_kills, "_counters", lambda: (tmp_path / "none",))
    assert oom_kills.count() == 0


def test_this_machine_is_read_without_an_error() -> None:
    assert oom_kills.count() >= 0
