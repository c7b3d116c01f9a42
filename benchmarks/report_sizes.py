"""How large a report is, how long it takes and how much memory: for the demo, for real runs, for many, for large ones.

    python benchmarks/report_sizes.py                          # all of it; the largest case takes minutes to make
    python benchmarks/report_sizes.py --only demo --only gsm8k --keep /tmp/runs

Runs are made by the command line, as users make them; with `--keep` they are made once. `--shared` holds real data and
recorded answers (default: ../shared); without them answers to GSM8K are made up. Each report is written by a process of
its own, with and without the samples; processor time and peak memory are that process's. Prints
the table of docs/report.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HARNESS = (sys.executable, "-m", "harness")
# The test split of GSM8K
SAMPLES = 1319
LARGE = 50_000
WORDS = "a the so we then have add take give left more each three five cards boxes hours costs half twice"
PAGE = """\
name: {name}
version: 1
data: {{path: ./{name}.jsonl, split: test, columns: [id, question, answer], id: "{{{{ id }}}}"}}
reference: {{answer: ["{{{{ answer }}}}"]}}
prompt: {{text: {{template: "{{{{ question }}}}\\nShow the steps, then #### and the answer.\\n"}}}}
sampling: {{max_tokens: 400}}
score: [{{by: exact_match, extract: {{by: number, pick: last}}}}]
metric: [mean]
"""


@dataclass(frozen=True, slots=True)
class Case:
    """Runs of one size. `make` writes them into a folder and returns them, the baseline first."""

    about: str
    make: Callable[[Path, Path], list[Path]]


@dataclass(frozen=True, slots=True)
class Figures:
    """One report: bytes, seconds of processor time, MiB of the writing process at its largest."""

    size: int
    seconds: float
    peak: float


def run(out: Path, *words: object) -> Path:
    """One run through the command line, unless it is there. Raises CalledProcessError, with what it printed shown."""
    if not (out / "scores.json").is_file():
        command = [*HARNESS, "run", "--out", str(out), *map(str, words)]
        seen = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if seen.returncode:
            print(seen.stderr, file=sys.stderr)
            seen.check_returncode()
    return out


def demo(folder: Path, shared: Path) -> list[Path]:
    """The two demo models on the demo suite."""
    return [run(folder / size, "--model", f"demo-{size}") for size in ("smaller", "larger")]


def gsm8k(folder: Path, shared: Path) -> list[Path]:
    """GSM8K by two models: recorded answers where they are, else made ones."""
    names = ("openai-6b_finetuning", "openai-175b_verification")
    files = [shared / "recorded" / f"gsm8k.{name}.jsonl.gz" for name in names]
    if not all(file.is_file() for file in files):
        return [synthetic(folder, "gsm8k_like", SAMPLES, share, f"model-{share}") for share in (0.3, 0.6)]
    words = ("--engine", "scripted", "--tasks", "gsm8k", "--mirror", shared / "data", "--completions")
    return [run(folder / file.name, *words, file, "--model", name) for name, file in zip(names, files, strict=True)]


def many(folder: Path, shared: Path) -> list[Path]:
    """Ten models, two runs each, as many samples as GSM8K has."""
    return [
        synthetic(folder, "gsm8k_like", SAMPLES, 0.3 + 0.05 * model, f"model-{model}", draw)
        for model in range(10)
        for draw in (1, 2)
    ]


def large(folder: Path, shared: Path) -> list[Path]:
    """Two models on 50,000 samples."""
    return [synthetic(folder, "large", LARGE, share, f"model-{share}") for share in (0.5, 0.6)]


CASES = {
    "demo": Case("the two demo models, 320 records", demo),
    "gsm8k": Case("two models on GSM8K, 2,638 records", gsm8k),
    "many": Case("20 runs of ten models, 26,380 records", many),
    "large": Case("two models, 100,000 records", large),
}


def synthetic(folder: Path, task: str, samples: int, right: float, model: str, draw: int = 1) -> Path:
    """A run with made answers as long as those to GSM8K, of which about the share `right` is right."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{task}.yaml"
    if not page.is_file():
        _write(folder / f"{task}.jsonl", _rows(samples))
        page.write_text(PAGE.format(name=task), encoding="utf-8")
    answers = folder / f"{task}-{model}-{draw}.jsonl"
    if not answers.is_file():
        _write(answers, _answers(task, samples, right, random.Random(f"{model} {draw}")))
    words = ("--engine", "scripted", "--tasks", page, "--completions", answers, "--model", model)
    return run(folder / f"run-{task}-{model}-{draw}", *words)


def _rows(samples: int) -> Iterator[dict[str, str]]:
    draw = random.Random(0)
    for number in range(samples):
        yield {"id": f"s{number}", "question": _text(draw, 45), "answer": str(number % 97)}


def _answers(task: str, samples: int, right: float, draw: random.Random) -> Iterator[dict[str, str]]:
    # Models find the same samples hard, as real ones do
    hard = random.Random(1)
    for number in range(samples):
        hit = 0.5 * hard.random() + 0.5 * draw.random() < right
        answer = f"{_text(draw, 50)}\n#### {number % 97 + (not hit)}"
        yield {"task": task, "sample_id": f"s{number}", "completion": answer}


def _text(draw: random.Random, words: int) -> str:
    known = WORDS.split()
    return " ".join(draw.choice(known) if draw.random() < 0.8 else str(draw.randrange(1000)) for _ in range(words))


def _write(path: Path, rows: Iterator[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def measure(runs: Sequence[Path], out: Path, *words: str) -> Figures:
    """Write one report in a process of its own. Raises SystemExit where that fails."""
    command = [*HARNESS, "report", *map(str, runs), "--out", str(out), *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command[:8])} ... ended with {process.returncode}")
    return Figures(out.stat().st_size, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def main() -> None:
    """Make the runs, write the reports, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=CASES, help="this case alone; may be repeated")
    parser.add_argument("--keep", type=Path, help="make the runs here, once")
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared")
    given = parser.parse_args()
    print("| runs | report | without samples | processor time | peak memory |")
    print("|---|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as made:
        for name in given.only or CASES:
            folder = (given.keep or Path(made)) / name
            folder.mkdir(parents=True, exist_ok=True)
            runs = CASES[name].make(folder, given.shared)
            full = measure(runs, folder / "report.html")
            tables = measure(runs, folder / "tables.html", "--no-records")
            cells = (CASES[name].about, f"{full.size / 1000:,.0f} KB", f"{tables.size / 1000:,.0f} KB")
            print(f"| {' | '.join(cells)} | {full.seconds:.1f} s | {full.peak:,.0f} MiB |", flush=True)


if __name__ == "__main__":
    main()
