"""From the metric that a page names (`mean`, `pass@10`, `maj@5`) to the plug-in that computes it.

`pass@10` is the file `metrics/pass_at_k.py` built with k = 10, `g_pass@8_0.5` is `g_pass_at_k.py` with k = 8 and the
share 0.5. Unknown names are refused with the closest ones.
"""

from __future__ import annotations

import re
from types import ModuleType

from harness import plugins
from harness.analysis.metrics.base import CorpusMetric, Metric
from harness.errors import ConfigError, UnknownName
from harness.results import Estimate
from harness.stats.intervals import RATIO

# Beside perplexities, which their interval's method shows
LOWER_IS_BETTER = frozenset({"aurc", "brier", "ece", "ece_debiased", "ece_equal_mass"})
_WRITTEN = re.compile(
    r"(?P<stem>[A-Za-z_][A-Za-z0-9_]*)(?:@(?P<k>[0-9]{1,6})(?:_(?P<share>[0-9]{1,3}(?:\.[0-9]{1,6})?))?)?"
)


def parse(text: str) -> Metric | CorpusMetric:
    """Return the metric called `text`. Raises UnknownName, or ConfigError for a number missing or out of place."""
    written = _WRITTEN.fullmatch(text.strip())
    module = _module(written["stem"], written["k"] is not None) if written else None
    if written is None or module is None:
        known = (name.replace("_at_k", "@k") for name in plugins.names("metric"))
        raise UnknownName("metric", text, known)
    k, share = None if written["k"] is None else int(written["k"]), written["share"]
    if share is not None and not hasattr(module, "build_with_share"):
        raise ConfigError(f"metric {text.strip()} takes no share behind its number: write {written['stem']}@{k}")
    metric: Metric | CorpusMetric = module.build(k) if share is None else module.build_with_share(k, share)
    return metric


def bind(text: str, repeats: int) -> Metric | CorpusMetric:
    """Return the metric called `text` for a task of so many repeats.

    Raises as `parse` does, and ConfigError when the metric needs more repeats than there are.
    """
    metric = parse(text)
    metric.check(repeats)
    return metric


def lower_is_better(estimate: Estimate) -> bool:
    """Whether a smaller value is the better one: perplexities and bits, calibration errors."""
    return estimate.method == RATIO or estimate.metric.partition("@")[0] in LOWER_IS_BETTER


def _module(stem: str, numbered: bool) -> ModuleType | None:
    """The plug-in for a stem; the likelier file first, because a miss looks through every installed package."""
    files = (f"{stem}_at_k", stem) if numbered else (stem, f"{stem}_at_k")
    for file in files:
        try:
            return plugins.load("metric", file)
        except UnknownName:
            continue
    return None
