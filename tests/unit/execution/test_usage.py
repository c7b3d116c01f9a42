"""What a program is charged for: the time that it had, not the time that it waited for a core because of others."""

from __future__ import annotations

import pytest

from harness.execution.inside import usage

TESTER, PROGRAM = 10, 11


def lost(
    monkeypatch: pytest.MonkeyPatch, threads: dict[int, tuple[float, float]], elapsed: float, cores: int = 2
) -> float:
    """Seconds that are not charged; `threads` are seconds run and waited of each process, children of the first."""
    monkeypatch.setattr(usage, "cores", lambda: cores)
    monkeypatch.setattr(usage, "_threads", lambda pid: [pid])
    monkeypatch.setattr(usage, "_parent", lambda pid: 1 if pid == TESTER else TESTER)
    monkeypatch.setattr(usage, "_started", lambda pid: pid)
    monkeypatch.setattr(usage, "_scheduled", lambda pid, thread: threads[thread])
    return usage.waited(TESTER, list(threads), elapsed)


def test_waiting_for_others_is_not_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lost(monkeypatch, {TESTER: (0.1, 0.2), PROGRAM: (2.0, 7.0)}, 10.0) == pytest.approx(7.2)


def test_sleep_is_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lost(monkeypatch, {TESTER: (0.1, 0.0), PROGRAM: (0.1, 0.0)}, 10.0) == 0


def test_a_child_that_does_the_work_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lost(monkeypatch, {TESTER: (0.1, 0.0), PROGRAM: (0.1, 0.0), 12: (3.0, 6.0)}, 10.0) == pytest.approx(6.0)


def test_children_that_wait_for_each_other_stretch_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    children = dict.fromkeys(range(12, 24), (1.7, 8.3))
    assert lost(monkeypatch, {TESTER: (0.1, 0.0), PROGRAM: (0.1, 0.1), **children}, 10.0) == 0


def test_what_the_kernel_reports_is_read() -> None:
    import os

    ran, _ = usage._scheduled(os.getpid(), os.getpid())
    if not os.path.exists("/proc/self/schedstat"):  # noqa: PTH110
        pytest.skip("this kernel does not count waiting")
    assert ran > 0
    assert usage._parent(os.getpid()) == os.getppid()
