"""The paired drop of a run that has a task twice, with its questions as they are and changed (`--perturb`).

Each original is compared with the mean of its variants; variants of two kinds (`redrawn`, `story`) are reported apart
too. The control compares two variants of the same originals: where nothing but chance differs, it is about 0.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from harness.analysis.values import SampleValue, SampleValues, values_of
from harness.analysis.variant_ids import VariantId, parsed
from harness.datatypes import Record
from harness.stats.multiple import holm
from harness.stats.paired_drop import DropTest, difference_of_drops, drop

ALL = "all"


@dataclass(frozen=True, slots=True)
class Drop:
    """What changed questions cost a run on one task: original minus variants.

    `kind`: of the variants, or "all"; `variants`: how many were scored; `original`, `changed`: the mean scores over the
    same `test.n` originals; `control`: the first variant minus the second, None where no original has two;
    `all_right`: the mean of each original's worst variant (robust pass of Wang et al. 2023, ReCode, ACL);
    `p_family`: p after Holm over all drops that are shown together; `scorer`, `metric`: of which score it is the drop.
    """

    run: str
    task: str
    changed_task: str
    kind: str
    original: float
    changed: float
    variants: int
    all_right: float
    test: DropTest
    control: DropTest | None
    p_family: float
    unscored: int = 0
    metric: str = ""
    scorer: str = ""


@dataclass(frozen=True, slots=True)
class DropDifference:
    """The drop of run b minus the drop of run a, on the originals that both have."""

    task: str
    kind: str
    a: str
    b: str
    test: DropTest


@dataclass(frozen=True, slots=True)
class _Item:
    """An original with its scored variants, in the order of the draws."""

    original: SampleValue
    variants: tuple[tuple[VariantId, SampleValue], ...]

    @property
    def cluster(self) -> Hashable:
        # Data with clusters of their own have them in both sets
        return self.original.cluster

    @property
    def values(self) -> tuple[float, ...]:
        return tuple(value.value for _, value in self.variants)

    @property
    def drop(self) -> float:
        return self.original.value - math.fsum(self.values) / len(self.variants)


@dataclass(frozen=True, slots=True)
class PairedSets:
    """A task's originals and variants of one run, joined; `unscored`: originals without a score on one of the sides."""

    run: str
    task: str
    changed_task: str
    items: tuple[_Item, ...]
    unscored: int
    metric: str
    scorer: str

    def kinds(self) -> tuple[str, ...]:
        """The kinds of variants, "all" first; only that where there is one."""
        found = dict.fromkeys(_kind(name) for item in self.items for name, _ in item.variants)
        return (ALL, *sorted(found)) if len(found) > 1 else (ALL,)

    def of_kind(self, kind: str) -> tuple[_Item, ...]:
        """The items with their variants of one kind."""
        if kind == ALL:
            return self.items
        kept = [replace(item, variants=tuple(v for v in item.variants if _kind(v[0]) == kind)) for item in self.items]
        return tuple(item for item in kept if item.variants)


def paired_sets(run: str, records: Sequence[Record], task: str, changed_task: str, metric: str) -> PairedSets | None:
    """Join the records of a task and of its changed questions; None where no original is scored on both sides.

    Raises NoSampleValues as `values_of` does.
    """
    originals = values_of(records, task, metric)
    changed = values_of(records, changed_task, metric, originals.scorer)
    found: dict[str, list[tuple[VariantId, SampleValue]]] = {}
    for sample in changed.samples:
        if (name := parsed(sample.sample_id)) is not None:
            found.setdefault(name.original, []).append((name, sample))
    items = tuple(
        _Item(sample, tuple(sorted(found[sample.sample_id], key=lambda each: each[0].draw)))
        for sample in originals.samples
        if sample.sample_id in found
    )
    unscored = len(_ids(originals, changed)) - len(items)
    if not items:
        return None
    return PairedSets(run, task, changed_task, items, unscored, originals.metric, originals.scorer)


def drops(sets: Sequence[PairedSets]) -> tuple[Drop, ...]:
    """Return the drop of each set and kind, as one family of tests."""
    found = [_drop(own, kind) for own in sets for kind in own.kinds()]
    adjusted = holm([each.test.p for each in found]) if found else []
    return tuple(replace(each, p_family=p) for each, p in zip(found, adjusted, strict=True))


def compared_drops(a: PairedSets, b: PairedSets) -> tuple[DropDifference, ...]:
    """Return, by kind, the drop of b minus that of a on the originals of both; nothing where they share none."""
    found = []
    for kind in (kind for kind in a.kinds() if kind in b.kinds()):
        of_a = {item.original.sample_id: item for item in a.of_kind(kind)}
        pairs = [(item, of_a[item.original.sample_id]) for item in b.of_kind(kind) if item.original.sample_id in of_a]
        if pairs:
            test = difference_of_drops(
                [own.drop for own, _ in pairs], [other.drop for _, other in pairs], [own.cluster for own, _ in pairs]
            )
            found.append(DropDifference(a.task, kind, a.run, b.run, test))
    return tuple(found)


def differences_from_first(runs: Sequence[Sequence[PairedSets]]) -> tuple[DropDifference, ...]:
    """Return how the drops of each run after the first differ from those of the first, set by set."""
    return tuple(
        difference
        for other in runs[1:]
        for own in other
        for base in runs[0]
        if (base.task, base.changed_task) == (own.task, own.changed_task)
        for difference in compared_drops(base, own)
    )


def _drop(own: PairedSets, kind: str) -> Drop:
    items = own.of_kind(kind)
    originals = [item.original.value for item in items]
    materials = [[name.label for name, _ in item.variants] for item in items]
    # Labels of one kind with names (of stories) are what variants of several originals were made from
    shared = any("-" in label for labels in materials for label in labels)
    by_material = [
        [label if "-" in label else (label, item.original.sample_id) for label in labels]
        for labels, item in zip(materials, items, strict=True)
    ]
    test = drop(
        originals, [item.values for item in items], [item.cluster for item in items], by_material if shared else None
    )
    means = [math.fsum(item.values) / len(item.values) for item in items]
    return Drop(
        run=own.run,
        task=own.task,
        changed_task=own.changed_task,
        kind=kind,
        original=math.fsum(originals) / len(items),
        changed=math.fsum(means) / len(items),
        variants=sum(len(item.variants) for item in items),
        all_right=math.fsum(min(item.values) for item in items) / len(items),
        test=test,
        control=_control(items),
        p_family=test.p,
        unscored=own.unscored,
        metric=own.metric,
        scorer=own.scorer,
    )


def _control(items: Sequence[_Item]) -> DropTest | None:
    """The first variant minus the second, over the originals that have two."""
    both = [item for item in items if len(item.variants) > 1]
    if not both:
        return None
    first = [item.values[0] for item in both]
    second = [[item.values[1]] for item in both]
    return drop(first, second, [item.cluster for item in both])


def _ids(originals: SampleValues, changed: SampleValues) -> set[str]:
    names = [*(sample.sample_id for sample in changed.samples), *changed.unscored]
    of_variants = {name.original for name in map(parsed, names) if name is not None}
    return {*(sample.sample_id for sample in originals.samples), *originals.unscored, *of_variants}


def _kind(name: VariantId) -> str:
    return name.label.partition("-")[0]
