"""Packages that programs may import: what they need comes along, the harness never does."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.datatypes import Sample, StdinCase, Tests
from harness.errors import ConfigError
from harness.execution import packages
from harness.execution.base import Job, Limits, Sandbox
from harness.execution.selection import open_sandbox
from harness.toolchains import try_toolchains

LIMITS = Limits(wall_seconds=60)


@pytest.fixture(params=["auto", "none"], scope="module")
def opened(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[Sandbox]:
    opened = open_sandbox(str(request.param))
    yield opened
    opened.close()


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages: `alpha` needs `beta`, and of `gamma` only for an extra."""
    for name, needs in (
        ("alpha", ["beta>=1", "gamma; extra == 'more'", "delta; python_version < '3'", "harness"]),
        ("beta", []),
        ("gamma", []),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"NAME = {name!r}\n")
        about = tmp_path / f"{name}-1.0.dist-info"
        about.mkdir()
        lines = [
            "Metadata-Version: 2.1",
            f"Name: {name}",
            "Version: 1.0",
            *(f"Requires-Dist: {need}" for need in needs),
        ]
        (about / "METADATA").write_text("\n".join(lines) + "\n")
        (about / "RECORD").write_text(f"{name}/__init__.py,,\n../../bin/{name},,\n{name}-1.0.dist-info/METADATA,,\n")
    tmp_path.chmod(0o755)
    monkeypatch.syspath_prepend(tmp_path)
    packages.locate.cache_clear()
    packages._modules.cache_clear()
    yield tmp_path
    packages.locate.cache_clear()
    packages._modules.cache_clear()


def test_a_package_brings_what_it_needs_and_nothing_else(installed: Path) -> None:
    found = {Path(top).name for top in packages.locate(("alpha",)) if Path(top).parent == installed}
    assert found == {"alpha", "beta", "alpha-1.0.dist-info", "beta-1.0.dist-info"}
    assert not any(Path(top).name == "harness" for top in packages.locate(("alpha",)))


def test_only_a_program_that_mentions_them_gets_them() -> None:
    assert packages.locate_mentioned((), "def add(a, b): return a + b", "assert add(1, 2) == 3") == ()
    if importlib.util.find_spec("numpy"):
        assert packages.locate_mentioned((), "import numpy as np") == packages.locate()


@pytest.mark.parametrize(
    ("name", "reason"), [("harness", "belongs to the harness"), ("no-such-thing", "is not installed")]
)
def test_what_cannot_be_given_is_refused_in_words(name: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=f"execution.packages: '{name}' {reason}|{reason}"):
        packages.locate((name,))


def test_the_key_that_named_a_missing_package_is_blamed() -> None:
    sample = Sample("s", {}, Tests("python", tests="assert f()", packages=("no-such-thing",)))
    task: Any = SimpleNamespace(name="plots", samples=[sample])
    services: Any = SimpleNamespace(limits=Limits())
    with pytest.raises(ConfigError, match=r"^plots: reference\.tests\.packages: 'no-such-thing' is not installed"):
        try_toolchains(task, services)
    task.samples = [Sample("s", {}, Tests("python", tests="assert f()"))]
    services.limits = Limits(packages=("no-such-thing",))
    with pytest.raises(ConfigError, match=r"^execution\.packages: 'no-such-thing' is not installed"):
        try_toolchains(task, services)


def test_numpy_can_be_imported_and_used(opened: Sandbox) -> None:
    pytest.importorskip("numpy")
    program = (
        "import numpy as np\ndef f(n):\n    a = np.eye(n) + np.ones((n, n))\n"
        "    return round(float((np.linalg.inv(a) @ a).sum()))"
    )
    for check in ("by_value", "in_process"):
        tests = Tests("python", tests="assert f(60) == 60", check=check)  # type: ignore[arg-type]
        verdict = opened.run(Job(program, tests), LIMITS)
        assert verdict.status == "passed", verdict
    whole = Tests("python", cases=(StdinCase("", "3\n"),))
    verdict = opened.run(Job("import numpy\nprint(int(numpy.sum([1, 2])))", whole), LIMITS)
    assert verdict.status == "passed", verdict


def test_neither_the_harness_nor_its_neighbours_can_be_imported(opened: Sandbox) -> None:
    pytest.importorskip("numpy")
    names = ["harness", "tests", "pytest", "torch", "transformers", "pip"]
    program = (
        "import importlib, numpy\ndef f():\n    found = []\n"
        f"    for name in {names!r}:\n        try:\n            importlib.import_module(name)\n"
        "            found.append(name)\n        except ModuleNotFoundError: pass\n    return found\n"
    )
    verdict = opened.run(Job(program, Tests("python", tests="assert f() == []")), LIMITS)
    assert verdict.status == "passed", verdict


def test_a_named_package_can_be_imported(opened: Sandbox, installed: Path) -> None:
    tests = Tests("python", tests="assert f() == ['alpha', 'beta']", packages=("alpha",))
    program = "import alpha, beta\ndef f(): return [alpha.NAME, beta.NAME]"
    assert opened.run(Job(program, tests), LIMITS).status == "passed"
    tests = Tests("python", tests="assert f() == ['alpha', 'beta']")
    assert opened.run(Job(program, tests), LIMITS).status == "error"
