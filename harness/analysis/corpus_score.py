"""Scores from 0 to 100 of a corpus of texts, computed from counts that are summed over its samples."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from harness import plugins
from harness.datatypes import Score
from harness.errors import ConfigError
from harness.stats.intervals import MeanInterval
from harness.stats.jackknife import jackknife_interval


@dataclass(frozen=True, slots=True)
class CorpusScore:
    """A score of sacrebleu, from 0 to 100: `score` computes it from the sums of the counts in each score's detail."""

    name: str
    score: Callable[[Sequence[float]], float]
    needs: int = 1

    @property
    def sums(self) -> tuple[str, ...]:
        """The key of a score's detail that it sums."""
        return (self.name,)

    def check(self, repeats: int) -> None:
        """Accept any number of repeats: the tries of a sample are texts of the corpus, and vary together."""

    def of_corpus(self, samples: Sequence[Sequence[Score]], clusters: Sequence[Hashable]) -> MeanInterval | None:
        """Return the score of all texts together. Raises ConfigError for other scores, or without the package."""
        plugins.require("sacrebleu", "text", f"metric {self.name}")
        try:
            parts = [
                (score.detail[self.name], cluster)
                for scores, cluster in zip(samples, clusters, strict=True)
                for score in scores
            ]
        except KeyError:
            raise ConfigError(f"metric {self.name} needs scores by {self.name}") from None
        if len({len(counts) for counts, _ in parts}) > 1:
            raise ConfigError(f"metric {self.name}: the scores' counts are of different settings")
        return jackknife_interval(
            [counts for counts, _ in parts], [cluster for _, cluster in parts], self.score, (0.0, 100.0)
        )


def corpus_score(k: int | None, name: str, score: Callable[[Sequence[float]], float]) -> CorpusScore:
    """Make a metric. Raises ConfigError for a number behind its name."""
    if k is not None:
        raise ConfigError(f"metric {name} takes no number: write {name}, not {name}@{k}")
    return CorpusScore(name, score)
