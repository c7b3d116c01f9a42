"""A sweep as a table and as a document: one row per protocol, then how much of the score is due to the protocol.

Computes no number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.report.tables import UNKNOWN, Column, Row, Table, p_text

if TYPE_CHECKING:
    from harness.analysis.sweep import ProtocolScore, Sweep

Words = Mapping[str, Mapping[str, str]]


def sweep_table(found: Sweep, words: Words, title: str) -> Table:
    """Return the table; `words` holds each protocol's value on each axis."""
    axes = tuple(next(iter(words.values())))
    columns = (
        *(Column(axis, number=False, key=True) for axis in axes),
        Column("Score"),
        Column("95 % interval"),
        Column("vs first"),
        Column("95 % interval"),
        Column("p (Holm)"),
    )
    rows = tuple(Row((*(words[each.name][axis] for axis in axes), *_cells(each))) for each in found.protocols)
    return Table(title, columns, rows, _notes(found, words), _warnings(found))


def sweep_document(found: Sweep, words: Words, page: str) -> dict[str, Any]:
    """Return the document: the summary, and a row per protocol; numbers as computed."""
    return {
        "page": page,
        "n": found.n,
        "left_out": found.left_out,
        "spread": found.spread,
        "best": found.best,
        "worst": found.worst,
        "chance_spread": found.chance_spread,
        "p": found.p,
        "protocol_sd": found.protocol_sd,
        "sampling_sd": found.sampling_sd,
        "share": found.share,
        "rows": [_row(each, words[each.name]) for each in found.protocols],
    }


def _cells(each: ProtocolScore) -> tuple[str, ...]:
    score, difference = each.score, each.difference
    return (
        f"{score.value:.3f}",
        UNKNOWN if score.low is None or score.high is None else f"[{score.low:.3f}, {score.high:.3f}]",
        UNKNOWN if difference is None else f"{difference.difference:+.3f}",
        UNKNOWN if difference is None else f"[{difference.low:+.3f}, {difference.high:+.3f}]",
        UNKNOWN if each.p is None else p_text(each.p),
    )


def _row(each: ProtocolScore, words: Mapping[str, str]) -> dict[str, Any]:
    score, difference = each.score, each.difference
    return {
        "task": each.name,
        "protocol": dict(words),
        "value": score.value,
        "low": score.low,
        "high": score.high,
        "method": score.method,
        "difference": difference and difference.difference,
        "difference_low": difference and difference.low,
        "difference_high": difference and difference.high,
        "p": each.p,
    }


def _notes(found: Sweep, words: Words) -> tuple[str, ...]:
    """The summary: the spread, the spread expected by chance, and the protocol's share of the variance."""
    best, worst = (", ".join(words[name].values()) for name in (found.best, found.worst))
    spread = f"Spread (max - min): {found.spread:.3f}, highest {best}, lowest {worst}, on the same {found.n} samples."
    if not found.spread:
        spread = f"Spread (max - min): 0: every protocol scores the same on these {found.n} samples."
    chance = (
        f"If the protocols did not differ, it would be below {found.chance_spread:.3f} with probability 95 % "
        f"(p {p_text(found.p)}, permutation of protocols within each sample)."
    )
    percent = "all scores are equal and certain" if found.share is None else f"{100 * found.share:.0f} %"
    share = (
        f"Protocol's share of a score's variance: {percent}. Standard deviation between protocols, without noise: "
        f"{found.protocol_sd:.3f}, from the variance (MS protocols - MS residual) / n; from sampling: "
        f"{found.sampling_sd:.3f}; share = the first variance / (first + second)."
    )
    first = "vs first: difference on the same samples, paired; p by McNemar's exact test or sign-flip permutation."
    return (spread, chance, share, first) if found.spread else (spread, share, first)


def _warnings(found: Sweep) -> tuple[str, ...]:
    if not found.left_out:
        return ()
    return (f"{found.left_out} samples left out: not scored under every protocol",)
