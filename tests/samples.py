"""Values per sample, made for tests of what is computed from them."""

from __future__ import annotations

from collections.abc import Mapping

from harness.analysis.values import SampleValue, SampleValues

Tables = Mapping[str, Mapping[str, float]]


def sample_values(values: Mapping[str, float], groups: Mapping[str, str] | None = None) -> SampleValues:
    """One task's values by sample id, and the group of each sample, if any."""
    groups = groups or {}
    samples = tuple(SampleValue(name, values[name], groups.get(name)) for name in sorted(values))
    return SampleValues("task", "exact_match", "mean", samples)


def all_values(tables: Tables, groups: Mapping[str, str] | None = None) -> dict[str, SampleValues]:
    """Several tasks' values, by name."""
    return {name: sample_values(values, groups) for name, values in tables.items()}
