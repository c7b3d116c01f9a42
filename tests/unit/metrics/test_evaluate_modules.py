"""The metrics are `evaluate` modules: loaded by path, offline, by users who do not run this harness.

Importing evaluate takes seconds, so one process without network loads them all and reports what it computed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
METRICS = Path(__file__).resolve().parents[3] / "harness" / "metrics"

SCRIPT = r"""
import json
import sys

import evaluate

folder = sys.argv[1]
seen = {}

def report(name, compute):
    try:
        seen[name] = compute()
    except Exception as error:
        seen[name] = f"{type(error).__name__}: {error}"

def load(name):
    return evaluate.load(f"{folder}/{name}")

passing = load("pass_at_k")
report("pass", lambda: passing.compute(predictions=[[0, 1, 1, 0], [0, 0, 0, 0]], k=[1, 2, 4]))
report("pass_not_bits", lambda: load("pass_at_k").compute(predictions=[[0, 2]]))
report("pass_k_too_big", lambda: load("pass_at_k").compute(predictions=[[0, 1]], k=[3]))
byfile = evaluate.load(f"{folder}/pass_at_k/pass_at_k.py")
byfile.add_batch(predictions=[[1, 0]])
byfile.add(prediction=[1, 1])
report("by_file_and_batches", lambda: byfile.compute(k=[1]))

from harness.metrics.pass_at_k.pass_at_k import PassAtK
report("by_class", lambda: PassAtK().compute(predictions=[[1, 0]]))

report("math", lambda: load("math_equality").compute(
    predictions=[r"So \boxed{\frac{1}{2}}.", "3", "no idea"], references=["0.5", "4", "1"], seconds=120))
# Alone, so that its short deadline cuts off nothing else on a busy machine
report("math_endless", lambda: load("math_equality").compute(
    predictions=["9^{9^{9^{9}}} is $9^{9^{9^{9}}}$"], references=["7"], seconds=1))
report("math_misspelt", lambda: load("math_equality").compute(predictions=["1"], references=["1"], extract="boxd"))
report("match", lambda: load("extracted_match").compute(
    predictions=["3 + 4 = 7 apples", "none", "$70,000"], references=["7", "2", "70000"],
    extract={"by": "number"}, numeric=True))
report("programs", lambda: load("program_tests").compute(
    predictions=[["def f(): return 1", "def f(): return 2"]], references=["assert f() == 1"], k=[1, 2],
    wall_seconds=120))
print("SEEN" + json.dumps(seen))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path_factory.mktemp("hf"))}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(METRICS)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert "SEEN" in done.stdout, done.stderr[-2000:]
    result: dict[str, Any] = json.loads(done.stdout.split("SEEN")[-1])
    return result


def test_pass_at_k_is_the_unbiased_estimate(seen: dict[str, Any]) -> None:
    """2 of 4 right: pass@2 = 1 - C(2,2)/C(4,2) = 5/6; none right: 0; the mean of both."""
    assert seen["pass"] == pytest.approx({"pass@1": 1 / 4, "pass@2": 5 / 12, "pass@4": 1 / 2})


def test_pass_at_k_refuses_what_it_cannot_count(seen: dict[str, Any]) -> None:
    assert "lists of 0 (wrong) and 1 (right)" in seen["pass_not_bits"]
    assert seen["pass_k_too_big"].startswith("ValueError")


def test_it_loads_by_folder_by_file_and_by_class(seen: dict[str, Any]) -> None:
    assert seen["by_file_and_batches"] == {"pass@1": 0.75}
    assert seen["by_class"] == {"pass@1": 0.5}


def test_math_equality_counts_what_it_could_not_decide(seen: dict[str, Any]) -> None:
    assert seen["math"] == pytest.approx({"math_equality": 1 / 3, "undecided": 0, "unextracted": 1})
    assert seen["math_endless"] == {"math_equality": 0.0, "undecided": 1, "unextracted": 0}
    assert "did you mean 'boxed'" in seen["math_misspelt"]


def test_extracted_match_reads_the_number(seen: dict[str, Any]) -> None:
    assert seen["match"] == pytest.approx({"extracted_match": 2 / 3, "unextracted": 1})


def test_programs_are_run(seen: dict[str, Any]) -> None:
    if str(seen["programs"]).startswith("SandboxError"):
        pytest.skip(f"no sandbox works here: {seen['programs']}")
    assert seen["programs"] == {"pass@1": 0.5, "pass@2": 1.0, "statuses": [["passed", "failed"]]}
