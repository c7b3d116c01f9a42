"""Recorded completions of real models, judged again by this harness, beside the verdicts of their makers.

    python benchmarks/replay.py FOLDER_OR_FILES --mirror DATA [--markdown] [--show 20]

Each file holds JSON lines (`.jsonl`, `.jsonl.gz`): `task`, `model`, `sample_id`, `repeat`, `completion`, `verdict`, and
`gold` where the right answer travels with the row. Every model of a file is one run of the scripted engine. Exits with
1 where a disagreement is not explained in `replay/<name>.yaml`, or fewer than 99.5 % of the verdicts are equal.
README.md explains how to read the table and how to write an explanation.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import replay_report
from replay_files import Explanations, RecordedFile, ReplayError, Row, explanations_of, files_of, recorded
from replay_judge import Judged, judge
from replay_report import Outcome

HERE = Path(__file__).resolve().parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the files and print the table; return the exit code."""
    chosen = _parser().parse_args(arguments)
    outcomes: list[Outcome] = []
    try:
        for path in files_of(chosen.files):
            file, notes = recorded(path), explanations_of(path, chosen.explained)
            outcomes.append(_outcome(file, notes, _progress(file), chosen))
            for line in replay_report.disagreements(outcomes[-1], chosen.show, unexplained_only=not chosen.all):
                print(line)
            print(replay_report.summary(outcomes[-1]), file=sys.stderr)
    except ReplayError as error:
        print(f"replay: {error}", file=sys.stderr)
        return 2
    for line in replay_report.table(outcomes, markdown=chosen.markdown):
        print(line)
    faults = [line for outcome in outcomes for line in replay_report.faults(outcome)]
    for line in faults:
        print(f"replay: {line}", file=sys.stderr)
    if chosen.json:
        Path(chosen.json).write_text(json.dumps([outcome.document() for outcome in outcomes], indent=1) + "\n")
    return 1 if any(not outcome.good for outcome in outcomes) else 0


def _outcome(
    file: RecordedFile, notes: Explanations, progress: Callable[[int], None], chosen: argparse.Namespace
) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="replay-") as scratch:
        judged: dict[Row, Judged] = {}
        seconds = 0.0
        for part in file.parts():
            found, took = judge(part, notes, chosen.mirror, Path(scratch))
            judged |= found
            seconds += took
            progress(len(judged))
    return Outcome(file, notes, judged, seconds)


def _progress(file: RecordedFile) -> Callable[[int], None]:
    def show(done: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{file.name}: {done} of {len(file.rows)}", end="\r", file=sys.stderr, flush=True)

    return show


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="folders of recorded files, or files")
    parser.add_argument("--mirror", help="where the tasks' data are (default: HARNESS_MIRROR, then the hub)")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N disagreements of each file in full")
    parser.add_argument("--all", action="store_true", help="with --show: explained ones too")
    parser.add_argument("--json", metavar="FILE", help="write every disagreement to a file")
    parser.add_argument(
        "--explained", type=Path, default=HERE / "replay", metavar="DIR", help="folder of the explanations"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
