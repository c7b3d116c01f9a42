"""Adjusted p-values against a case worked by hand and simulated families without effect."""

from __future__ import annotations

import numpy as np
import pytest

from harness.stats.multiple import holm


def test_holm_worked_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.6, 0.7]) == (1.0, 1.0)
    assert holm([]) == ()
    assert holm([0.02]) == (0.02,)


def test_holm_is_never_above_bonferroni_and_keeps_the_family_wise_error() -> None:
    families = np.random.default_rng(1).random((4000, 6))
    alarms = np.array([min(holm(row)) for row in families.tolist()]) <= 0.05
    assert alarms.mean() == pytest.approx(0.0489, abs=0.01)
    for row in families[:200].tolist():
        assert all(ours <= plain for ours, plain in zip(holm(row), [min(1.0, 6 * p) for p in row], strict=True))


def test_a_p_value_is_a_probability() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, 1.2])
