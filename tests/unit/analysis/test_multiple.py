"""Adjusted p-values against a case worked by hand and simulated families without effect."""

from __future__ import annotations

import numpy as np
import pytest

from harness.stats.multiple import bonferroni, holm


def test_holm_worked_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert bonferroni([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.04, 0.16, 0.12, 0.02))
    assert holm([0.6, 0.7]) == (1.0, 1.0)
    assert holm([]) == bonferroni([]) == ()
    assert holm([0.02]) == (0.02,)


def test_holm_never_loses_to_bonferroni_and_both_hold_the_family() -> None:
    families = np.random.default_rng(1).random((4000, 6))
    alarms = np.array([[min(holm(row)), min(bonferroni(row))] for row in families.tolist()]) <= 0.05
    assert alarms.mean(axis=0) == pytest.approx([0.0489, 0.0489], abs=0.01)
    for row in families[:200].tolist():
        assert all(ours <= plain for ours, plain in zip(holm(row), bonferroni(row), strict=True))


def test_a_p_value_is_a_probability() -> None:
    for adjust in (holm, bonferroni):
        with pytest.raises(ValueError, match="between 0 and 1"):
            adjust([0.5, 1.2])
