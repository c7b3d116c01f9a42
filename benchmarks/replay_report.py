"""What replay.py prints: one line a file, disagreements in full, and what is wrong with the explanations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from replay_files import Explanation, Explanations, RecordedFile, Row
from replay_judge import Judged

BAR = 0.995
# Characters of a completion's end, and of an answer, that a disagreement shows
TAIL = 400
ANSWER = 300
HEADINGS = (
    "File",
    "Rows",
    "Recorded right",
    "Ours right",
    "Disagree",
    "Explained: ours",
    "theirs",
    "neither",
    "Unexplained",
    "Equal %",
    "Equal %, explained set aside",
    "Answers/s",
)


@dataclass(frozen=True)
class Outcome:
    """A file's verdicts, both sides. `seconds`: scoring alone, all models of the file together."""

    file: RecordedFile
    notes: Explanations
    judged: dict[Row, Judged]
    seconds: float

    @cached_property
    def disagreements(self) -> list[tuple[Row, Judged, Explanation | None]]:
        """Rows on which the harness and the makers differ, in file order; unscored ones among them."""
        rows = ((row, self.judged[row]) for row in self.file.rows)
        return [(row, ours, self.notes.of(row)) for row, ours in rows if ours.right is not row.verdict]

    def explained(self, right: str) -> int:
        """Disagreements that an explanation decides so."""
        return sum(entry is not None and entry.right == right for _, _, entry in self.disagreements)

    @property
    def unexplained(self) -> int:
        """Disagreements that no explanation names."""
        return sum(entry is None for _, _, entry in self.disagreements)

    @property
    def equal(self) -> float:
        """Share of equal verdicts."""
        return 1 - len(self.disagreements) / len(self.file.rows)

    @property
    def equal_set_aside(self) -> float:
        """The same without the rows on which the makers' verdict is wrong: those where theirs is right count."""
        aside = self.explained("ours") + self.explained("neither")
        rows = len(self.file.rows) - aside
        return (len(self.file.rows) - len(self.disagreements)) / rows if rows else 1.0

    @property
    def good(self) -> bool:
        """Whether everything is explained, and the makers are right against the harness on few rows only."""
        return not self.unexplained and self.equal_set_aside >= BAR

    @cached_property
    def stale(self) -> list[str]:
        """Rows of the explanations that do not disagree (any more), or are not in the file."""
        differing = [(id(entry), row) for row, _, entry in self.disagreements]
        used = {(entry, name) for entry, row in differing for name in (row.sample_id, row.label)}
        held = {name for row in self.file.rows for name in (row.sample_id, row.label)}
        return [
            f"{name} is explained, but {'agrees' if name in held else 'is not in the file'}"
            for entry in self.notes.explained
            for name in entry.rows
            if (id(entry), name) not in used
        ]

    def document(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {
            "file": self.file.name,
            "rows": len(self.file.rows),
            "recorded": sum(row.verdict for row in self.file.rows),
            "ours": sum(bool(ours.right) for ours in self.judged.values()),
            "unexplained": self.unexplained,
            "equal": self.equal,
            "equal_set_aside": self.equal_set_aside,
            "answers_per_second": len(self.file.rows) / self.seconds,
            "stale": self.stale,
            "disagreements": [
                {
                    "row": row.label,
                    "model": row.model,
                    "recorded": row.verdict,
                    "ours": ours.right,
                    "gold": row.gold,
                    "answer": ours.answer,
                    "explanation": ours.explanation,
                    "right": entry.right if entry else None,
                    "reason": entry.reason if entry else None,
                }
                for row, ours, entry in self.disagreements
            ],
        }


def table(outcomes: Sequence[Outcome], *, markdown: bool) -> Iterator[str]:
    """Yield the table's lines: a row a file, and the sum of several."""
    rows = [_cells(outcome) for outcome in outcomes]
    if len(outcomes) > 1:
        rows.append(_sums(outcomes))
    if markdown:
        yield "| " + " | ".join(HEADINGS) + " |"
        yield "|---|" + "--:|" * (len(HEADINGS) - 1)
        yield from ("| " + " | ".join(row) + " |" for row in rows)
        return
    widths = [max(len(row[place]) for row in [HEADINGS, *rows]) for place in range(len(HEADINGS))]
    for row in [HEADINGS, *rows]:
        first = row[0].ljust(widths[0])
        yield "  ".join([first, *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))])


def summary(outcome: Outcome) -> str:
    """One line of progress: what came out of a file."""
    return (
        f"{outcome.file.name}: {len(outcome.file.rows)} rows, {len(outcome.disagreements)} disagree, "
        f"{outcome.unexplained} unexplained"
    )


def faults(outcome: Outcome) -> Iterator[str]:
    """Yield what keeps a file from passing, and explanations that explain nothing."""
    if outcome.unexplained:
        yield f"{outcome.file.name}: {outcome.unexplained} disagreements are not explained (--show N prints them)"
    if outcome.equal_set_aside < BAR:
        yield f"{outcome.file.name}: {_percent(outcome.equal_set_aside)} % equal, below {100 * BAR:.1f} %"
    for line in outcome.stale:
        yield f"{outcome.file.name}: stale: {line}"


def disagreements(outcome: Outcome, count: int, *, unexplained_only: bool) -> Iterator[str]:
    """Yield up to `count` disagreements in full, for reading."""
    found = [entry for entry in outcome.disagreements if not unexplained_only or entry[2] is None]
    for row, ours, entry in found[:count]:
        yield f"--- {outcome.file.name}: {row.label} of {row.model}"
        yield f"recorded: {_word(row.verdict)}   ours: {_word(ours.right)}   gold: {row.gold!r}"
        yield f"answer read: {_short(ours.answer)}"
        yield f"because: {_short(ours.explanation)}"
        if entry:
            yield f"explained: {entry.right} right: {entry.reason}"
        yield f"completion ends: {row.completion[-TAIL:]}"


def _cells(outcome: Outcome) -> tuple[str, ...]:
    rows = outcome.file.rows
    return (
        outcome.file.name,
        str(len(rows)),
        str(sum(row.verdict for row in rows)),
        str(sum(bool(ours.right) for ours in outcome.judged.values())),
        str(len(outcome.disagreements)),
        *(str(outcome.explained(side)) for side in ("ours", "theirs", "neither")),
        str(outcome.unexplained),
        _percent(outcome.equal),
        _percent(outcome.equal_set_aside),
        f"{len(rows) / outcome.seconds:.0f}",
    )


def _sums(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    sums = [str(sum(int(_cells(outcome)[place]) for outcome in outcomes)) for place in range(1, 9)]
    rows, differ = int(sums[0]), int(sums[3])
    aside = int(sums[4]) + int(sums[6])
    seconds = sum(outcome.seconds for outcome in outcomes)
    equal, set_aside = (rows - differ) / rows, (rows - differ) / max(rows - aside, 1)
    return ("all", *sums, _percent(equal), _percent(set_aside), f"{rows / seconds:.0f}")


def _percent(share: float) -> str:
    """Two decimals; never 100 below all."""
    return f"{min(100 * share, 99.99) if share < 1 else 100.0:.2f}"


def _word(right: bool | None) -> str:
    return {True: "right", False: "wrong", None: "unscored"}[right]


def _short(text: str | None) -> str:
    return "nothing" if text is None else repr(text if len(text) <= ANSWER else f"{text[:ANSWER]}...")
