"""What the note under a table of drops says of their methods, and of what a drop shows."""

from __future__ import annotations

from harness.analysis.drops import Drop
from harness.report.drops import drop_table
from harness.stats.paired_drop import T_TEST, TWO_WAY, DropTest


def a_drop(kind: str, method: str, p: float) -> Drop:
    test = DropTest(0.01, -0.1, 0.12, p, method, T_TEST, 40, 40, 3, 2)
    return Drop("r", "sums", "sums-numbers", kind, 0.5, 0.49, 40, 0.4, test, None, p)


def test_a_drop_that_may_be_chance_is_not_said_to_show_anything():
    first, methods, *_ = drop_table([a_drop("all", TWO_WAY, 0.66), a_drop("story", "t", 1.0)], []).notes
    assert "A drop with a p (Holm) of .05 or less shows" in first and "one with a larger p may be chance" in first
    assert "Intervals: Student's t (clustered by sample and by story, unclustered)." in methods
