"""Which of several points no other one beats in both cost and score (the Pareto frontier)."""

from __future__ import annotations

from collections.abc import Sequence


def beaten_by(points: Sequence[tuple[float, float]]) -> tuple[int | None, ...]:
    """Return for each (cost, score) the place of the point that beats it most plainly; None on the frontier.

    A point beats another that costs no less and scores no more, unless they are equal in both. Of several, the one
    with the highest score is named, then the cheapest, which is itself on the frontier. Ignores the uncertainty of
    both figures.
    """
    return tuple(_better(points, place) for place in range(len(points)))


def _better(points: Sequence[tuple[float, float]], place: int) -> int | None:
    cost, score = points[place]
    found = [
        other
        for other, (own_cost, own_score) in enumerate(points)
        if own_cost <= cost and own_score >= score and (own_cost, own_score) != (cost, score)
    ]
    return min(found, key=lambda other: (-points[other][1], points[other][0], other), default=None)
