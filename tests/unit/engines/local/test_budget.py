"""The budget of cache and logits, where several engines share one memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.engines.base import ModelSpec
from harness.engines.local import modes
from harness.engines.local.engine import LocalOptions
from harness.engines.local.modes import Limits, budget_for
from harness.engines.replicas import processes
from harness.engines.replicas.processes import Processes

MODEL: Any = SimpleNamespace(device="cpu", vocabulary=50_000, weights_bytes=10**9)
TOKEN_BYTES = 100_000


@pytest.fixture(autouse=True)
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modes, "free_bytes", lambda device: 16 * 10**9)


def stored_bytes(limits: Limits) -> int:
    return budget_for(MODEL, TOKEN_BYTES, limits).stored_tokens * TOKEN_BYTES


def test_replicas_on_one_memory_take_no_more_of_it_than_one_alone() -> None:
    alone = stored_bytes(Limits())
    assert 0 < 4 * stored_bytes(Limits(sharers=4)) <= alone <= 8 * 10**9


def test_a_limit_that_the_user_set_is_of_each_replica() -> None:
    assert stored_bytes(Limits(memory=10**9, sharers=4)) == stored_bytes(Limits(memory=10**9))


@pytest.mark.parametrize(("devices", "sharers"), [(["cpu"] * 3, 3), (["cuda:0", "cuda:1"], 1)])
def test_each_replica_knows_how_many_share_its_memory(
    monkeypatch: pytest.MonkeyPatch, devices: list[str], sharers: int
) -> None:
    given: list[int] = []
    monkeypatch.setattr(processes, "_Process", lambda *words: given.append(words[5][2]))
    Processes(ModelSpec("m"), LocalOptions(), devices).start()
    assert given == [sharers] * len(devices)
