"""Perplexities of a corpus: all log-probability over all words, bytes or targets, as lm-evaluation-harness counts them.

The scorers `text_likelihood` and `target_likelihood` write the summands to each score's detail.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from harness.datatypes import Score
from harness.errors import ConfigError
from harness.stats.intervals import MeanInterval, ratio_interval


@dataclass(frozen=True, slots=True)
class PerUnit:
    """Surprise (minus log-probability, natural) per `unit` of text, shown through a rising function `show`."""

    name: str
    unit: str
    show: Callable[[float], float]
    needs: int = 1
    example: str = "text_likelihood"

    @property
    def sums(self) -> tuple[str, ...]:
        """The keys of a score's detail that it sums."""
        return ("logprob", self.unit)

    def check(self, repeats: int) -> None:
        """Accept any number of repeats; likelihoods have one."""

    def of_corpus(self, samples: Sequence[Sequence[Score]], clusters: Sequence[Hashable]) -> MeanInterval | None:
        """Return the corpus's value. Bounds are the ratio's own, through `show`; the standard error by its slope.

        None where the value overflows a float: text without white space is one word of a thousand characters.
        Raises ConfigError where the scores are not those of a scorer of likelihoods.
        """
        details = [scores[0].detail for scores in samples]
        try:
            tops = [-float(detail["logprob"]) for detail in details]
            bottoms = [float(detail[self.unit]) for detail in details]
        except KeyError:
            raise ConfigError(f"metric {self.name} needs scores by {self.example}") from None
        found = ratio_interval(tops, bottoms, clusters)
        value, step = self._shown(found.value), 1e-6
        above, below = self._shown(found.value + step), self._shown(found.value - step)
        if value is None or above is None or below is None:
            return None
        stderr = None if found.stderr is None else found.stderr * (above - below) / (2 * step)
        return replace(found, value=value, low=self._shown(found.low), high=self._shown(found.high), stderr=stderr)

    def _shown(self, ratio: float | None) -> float | None:
        try:
            return None if ratio is None else self.show(ratio)
        except OverflowError:
            return None


def per_unit(k: int | None, name: str, unit: str, show: Callable[[float], float] = math.exp) -> PerUnit:
    """Make a metric. Raises ConfigError for a number behind its name."""
    if k is not None:
        raise ConfigError(f"metric {name} takes no number: write {name}, not {name}@{k}")
    return PerUnit(name, unit, show)
