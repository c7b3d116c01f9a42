"""Which worked examples come before a question: chosen by the page's rule, the same in every run, never the question.

Shots of another split may hold the very row that is asked, and would put its answer into its own prompt. Such a row
is passed over and the next one takes its place, so that every prompt has as many shots as the page says; where
nothing is passed over, the choice is the same as without this rule.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from random import Random
from typing import TypeVar

from harness.config.schema import FewShot
from harness.errors import DataError

Item = TypeVar("Item")


def choose(
    spec: FewShot | None, pool: Sequence[Item], ids: Sequence[str], asked: Sequence[Set[int]], where: str
) -> list[list[Item]]:
    """Return the shots of each question, in data order.

    `ids` are the sample ids of `pool`; `asked` has an entry a question: the places in `pool` of rows that are the
    question itself. `random` is what lm-evaluation-harness does (its default sampler, seed 1234): one generator for the
    whole task, `count` rows drawn for each question in turn.
    Raises DataError when the pool is too small or lacks an id.
    """
    if spec is None or spec.count == 0:
        return [[] for _ in asked]
    if spec.choose == "ids":
        missing = [name for name in spec.ids if name not in ids]
        if missing:
            raise DataError(f"{where}the split {spec.split!r} has no row with id {missing[0]!r}")
        named = [ids.index(name) for name in spec.ids]
        return [[pool[place] for place in _of_named(spec, named, own, where)] for own in asked]
    if spec.count > len(pool):
        raise DataError(f"{where}{spec.count} shots wanted, but the split {spec.split!r} has {len(pool)} rows")
    places = range(len(pool))
    if spec.choose == "first":
        drawn: list[list[int]] = [list(places[: spec.count]) for _ in asked]
    else:
        generator = Random(spec.seed)
        drawn = [generator.sample(places, spec.count) for _ in asked]
    chosen = (_without(own, shots, len(pool), spec, where) for own, shots in zip(asked, drawn, strict=True))
    return [[pool[place] for place in shots] for shots in chosen]


def _without(own: Set[int], shots: list[int], rows: int, spec: FewShot, where: str) -> list[int]:
    """The shots, each that is the question itself replaced by the next row that is neither it nor a shot already."""
    if own.isdisjoint(shots):
        return shots
    taken = {*own, *shots}
    kept = []
    for place in shots:
        if place in own:
            after = (candidate % rows for candidate in range(place + 1, place + rows))
            fresh = next((candidate for candidate in after if candidate not in taken), None)
            if fresh is None:
                raise DataError(
                    f"{where}{spec.count} shots wanted, but the split {spec.split!r} has {rows} rows, and "
                    f"{len(own)} of them are a question under test itself"
                )
            taken.add(fresh)
            place = fresh
        kept.append(place)
    if spec.choose == "first":
        kept.sort()
    return kept


def _of_named(spec: FewShot, named: list[int], own: Set[int], where: str) -> list[int]:
    kept = [place for place in named if place not in own][: spec.count]
    if len(kept) < min(spec.count, len(named)):
        twin = next(name for name, place in zip(spec.ids, named, strict=True) if place in own)
        raise DataError(
            f"{where}the shot {twin!r} of the split {spec.split!r} is a question under test itself, so its answer "
            "would be in its own prompt; name another id, or a spare one after `count` of them"
        )
    return kept
