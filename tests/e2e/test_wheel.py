"""What `pip install` gives works far from the checkout: pages, configs and the demo models travel in the wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile

import pytest
from files import REPO

pytestmark = pytest.mark.slow


def test_the_built_wheel_runs_the_demo_from_another_folder(tmp_path):
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    wheels, site, elsewhere = tmp_path / "wheels", tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(REPO)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = wheels.glob("harness-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(wheel)], check=True, capture_output=True)

    environment = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}

    def harness(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "harness", *words],
            cwd=elsewhere,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = subprocess.run(
        [sys.executable, "-P", "-c", "import harness; print(harness.__file__)"],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert where.startswith(str(site))
    assert harness("--version") == f"harness {wheel.name.split('-')[1]}\n"
    with zipfile.ZipFile(wheel) as archive:
        packed = {name.split("/")[0] for name in archive.namelist()}
    assert packed == {"harness", f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"}, "no training script, no test"
    assert "humaneval" in harness("tasks", "list")
    document = json.loads(harness("run", "--model", "demo-smaller", "--limit", "3", "--json"))
    assert [row["n"] for row in document["rows"]] == [3, 3]
