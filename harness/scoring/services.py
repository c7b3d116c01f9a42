"""What the scorers of a run share, opened on first use and closed with the run: the sandbox and the math judges."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.execution.base import Limits, Sandbox
from harness.scoring.base import MathJudge, Tools

if TYPE_CHECKING:
    from harness.execution.ray_sandbox import RaySandbox


@dataclass(slots=True)
class Services:
    """`sandbox_name` as the user chose it (`auto`); `workers` threads score at once, by default one a core.

    With `cluster`, the address of a Ray cluster, programs run on its nodes too, and its cores count.
    """

    sandbox_name: str
    limits: Limits
    requested_workers: int | None = None
    cluster: str | None = None
    workers: int = field(init=False)
    _sandbox: Sandbox | None = None
    _nodes: RaySandbox | None = None
    _judges: list[MathJudge] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _own: threading.local = field(default_factory=threading.local)

    def __post_init__(self) -> None:
        """Count the cores of this process where no number of workers was set."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.workers = self.requested_workers or cores

    def tools(self) -> Tools:
        """The factories that scorers are built with."""
        return Tools(sandbox=self.sandbox, math=self.judge, limits=self.limits)

    def sandbox(self) -> Sandbox:
        """The run's one sandbox. Raises SandboxError when programs cannot be run safely here."""
        from harness.execution.selection import open_sandbox

        with self._lock:
            if self._sandbox is None:
                sandbox = open_sandbox(self.sandbox_name)
                if self.cluster is not None:
                    sandbox = self._nodes = self._on_cluster(self.cluster, sandbox)
                self._sandbox = sandbox
            return self._sandbox

    def opened(self) -> Sandbox | None:
        """The sandbox, if a scorer needed it."""
        return self._sandbox

    def sandbox_level(self) -> str | None:
        """How programs were isolated, None if none ran."""
        return self._sandbox.level if self._sandbox else None

    def notes(self) -> tuple[str, ...]:
        """What the manifest should say of where programs ran."""
        return self._nodes.notes() if self._nodes is not None else ()

    def _on_cluster(self, address: str, local: Sandbox) -> RaySandbox:
        from harness.execution.ray_sandbox import RaySandbox

        try:
            nodes = RaySandbox(address, local)
        except BaseException:
            local.close()
            raise
        if self.requested_workers is None:
            self.workers = max(self.workers, nodes.slots)
        return nodes

    def judge(self) -> MathJudge:
        """The calling thread's own judge, so that no answer waits behind another thread's."""
        from harness.scoring.math_judge import ProcessMathJudge

        judge: MathJudge | None = getattr(self._own, "judge", None)
        if judge is None:
            judge = self._own.judge = ProcessMathJudge()
            with self._lock:
                self._judges.append(judge)
        return judge

    def close(self) -> None:
        """End every helper process; safe to call twice."""
        with self._lock:
            for judge in self._judges:
                judge.close()
            self._judges.clear()
            if self._sandbox is not None:
                self._sandbox.close()
                self._sandbox = None
