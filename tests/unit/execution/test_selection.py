"""The sandbox that a user gets: tested by running a program, refused with the fix, never silently a weaker one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import SandboxError, UnknownName
from harness.execution import selection
from harness.execution.sandboxes import namespace
from harness.execution.zygote_pool import ZygotePool

CHECKOUT = Path(__file__).resolve().parents[3]


def test_no_protection_must_be_requested_by_name() -> None:
    sandbox = selection.open_sandbox("none")
    assert sandbox.level == "none"
    sandbox.close()
    assert "none" not in selection.AUTOMATIC


def test_an_unknown_sandbox_is_named() -> None:
    with pytest.raises(UnknownName, match="did you mean 'namespace'"):
        selection.open_sandbox("namespaces")


@pytest.mark.parametrize(
    ("reason", "fix"),
    [
        ("unshare (making namespaces): Operation not permitted", "seccomp=unconfined"),
        ("write /proc/self/uid_map: Operation not permitted", "apparmor_restrict_unprivileged_userns=0"),
        ("mount (proc): Operation not permitted", "systempaths=unconfined"),
        ("mount_setattr: Function not implemented", "Linux 5.12"),
    ],
)
def test_each_failed_probe_names_its_fix(reason: str, fix: str) -> None:
    assert fix in namespace.advice(reason)


def test_a_machine_without_isolation_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(ZygotePool):
        def __init__(self, module: str) -> None:
            super().__init__(module)
            fails = "import sys; sys.stderr.write('unshare (making namespaces): Operation not permitted')"
            self._command = (sys.executable, "-I", "-S", "-c", fails)

    monkeypatch.setattr(namespace, "ZygotePool", Broken)
    monkeypatch.setattr(selection, "AUTOMATIC", ("namespace",))
    monkeypatch.setattr(selection, "in_container", lambda: False)
    with pytest.raises(SandboxError, match=r"'namespace': unshare .*: user namespaces are refused.*--sandbox none"):
        selection.open_sandbox("auto")


def test_a_sandbox_that_runs_programs_without_isolating_them_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace, "ZygotePool", lambda _: ZygotePool("bare"))
    assert "does not isolate" in (selection.probe("namespace") or "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_it_works_for_an_ordinary_user_as_well() -> None:
    python = Path("/usr/bin/python3")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\nassert sys.version_info >= (3, 11)\n"
        "from harness.execution.selection import open_sandbox\nprint(open_sandbox('auto').level)"
    )
    run = subprocess.run(
        [python if python.exists() else sys.executable, "-c", script, str(CHECKOUT)],
        user=65534, group=65534, extra_groups=[], capture_output=True, text=True, timeout=60, cwd="/", env={},
    )  # fmt: skip
    if "Permission denied" in run.stderr or "assert sys.version_info" in run.stderr or "No module" in run.stderr:
        pytest.skip("no Python 3.11 that an ordinary user may run can see this checkout")
    assert run.stdout == "namespace\n", run.stderr
