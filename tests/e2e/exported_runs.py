"""A run whose answers hold what formats would obey, for the tests of exports."""

from __future__ import annotations

from pathlib import Path

from files import write_jsonl

HOSTILE = {
    0: "=cmd|'/c calc'!A0 0",
    1: "</system-out><testcase name='forged'/>]]> & \x00 \ud800 \ufffe 3",
    2: "\x1b[2J\u202e6",
    3: "-9",
    4: "<script>alert(1)</script> is 4\u2028, not 12",
}
SCORES = {"s0": 1.0, "s1": 1.0, "s2": 1.0, "s3": 0.0, "s4": 1.0}


def hostile_run(cli, sums, folder: Path, name: str = "r", answers: dict[int, str] = HOSTILE) -> Path:
    """Run the page `sums` on these answers; return the run folder."""
    rows = [{"task": "sums", "sample_id": f"s{number}", "completion": text} for number, text in answers.items()]
    file = write_jsonl(folder / f"{name}.jsonl", rows)
    seen = cli(
        *("run", "--engine", "scripted", "--completions", file, "--tasks", sums, "--out", name),
        *("--style", "text", "--only-answered"),
    )
    assert (folder / name / "scores.json").is_file(), seen.err
    return folder / name


def exported(cli, run: Path, to: str, *options: str | Path) -> list[Path]:
    """Export a run; return the files that the command prints."""
    seen = cli("export", run, "--to", to, *options)
    assert seen.code == 0, seen.err
    return [run.parent / line for line in seen.out.splitlines()]
