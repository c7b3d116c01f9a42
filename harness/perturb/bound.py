"""The variants of a task's samples: made one by one, bound by the page's templates, counted with what was left out.

Guarantees: originals and variants are of the same samples; the variants of a sample depend on nothing but it, the
perturbation and the seed, so that `--limit`, shards and resumed runs have the same; no variant asks what its original
or another variant of it asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from harness import plugins
from harness.analysis.variant_ids import variant_id
from harness.config.task_page import Perturbed, TaskPage
from harness.datatypes import Answer, Sample
from harness.errors import ConfigError, DataError
from harness.perturb.base import LeftOut, NamesSamples, NumberPair, Original, Perturbation, PerturbOptions, Variant

# By task, perturbation, seed, draws, and the sample's id and columns
Known = dict[tuple[str, str, int, int, str, str], Sequence[Variant] | LeftOut]


@dataclass(frozen=True, slots=True)
class BoundVariant:
    """A variant as a sample, and the place of its original among the task's samples."""

    place: int
    sample: Sample


@dataclass(frozen=True, slots=True)
class PerturbedSamples:
    """Which of a task's samples have variants (`kept`, their places), and the variants in the same order.

    `left_out`: how many samples have none, by the reason; `numbers`: pairs of numbers before and after, `answers` of
    right answers that are numbers; `about`: what was changed.
    """

    kept: tuple[int, ...]
    variants: tuple[BoundVariant, ...]
    left_out: Mapping[str, int]
    numbers: tuple[NumberPair, ...]
    answers: tuple[NumberPair, ...] = ()
    about: str = ""


def opened(spec: Perturbed, folder: Path) -> Perturbation:
    """Build the perturbation that a page in `folder` names. Raises UnknownName; ConfigError, DataError for its file."""
    file = folder / Path(spec.file).expanduser() if spec.file else None
    built: Perturbation = plugins.load("perturbation", spec.by).build(PerturbOptions(file))
    return built


def refuse_unsuitable(pages: Sequence[tuple[TaskPage, Path]]) -> None:
    """Raise ConfigError where a page (with its folder) can have no variants, with the tasks that can.

    Needs no data, so that a wrong choice is reported before anything is loaded.
    """
    refused: dict[str, str] = {}
    suitable = []
    for page, folder in pages:
        spec = page.data.perturbed
        if spec is None or spec.of is None:
            continue
        if reason := opened(spec, folder).refusal(page):
            refused[spec.of] = f"--perturb {spec.by}: {spec.of}: {reason}"
        else:
            suitable.append(spec.of)
    if not refused:
        return
    more = f" ({len(refused)} tasks like it)" if len(refused) > 1 else ""
    fitting = f"; what can be changed: --tasks {','.join(suitable)}" if suitable else ""
    raise ConfigError(f"{next(iter(refused.values()))}{more}{fitting}")


def perturbed(
    page: TaskPage,
    perturbation: Perturbation,
    samples: Sequence[Sample],
    bind: Callable[[Mapping[str, Any]], Sample],
    known: Known,
) -> PerturbedSamples:
    """Make the variants of samples; `bind` makes the sample of a changed row by the page's templates.

    `known`: what was made before, so that the task of the originals and that of the variants make them once.

    Raises ConfigError where the page can have none, DataError where not one sample has a variant.
    """
    spec = page.data.perturbed
    assert spec is not None
    if refusal := perturbation.refusal(page):
        raise ConfigError(f"--perturb {spec.by}: {page.name}: {refusal}")
    kept: list[int] = []
    variants: list[BoundVariant] = []
    left_out: Counter[str] = Counter()
    numbers: list[NumberPair] = []
    answers: list[NumberPair] = []
    for place, sample in enumerate(samples):
        # Of the sample alone: a limit, an order or a shard changes no question
        random = Random(f"{spec.by} {spec.seed} {sample.id}")
        key = (spec.of or page.name, spec.by, spec.seed, spec.draws, sample.id, repr(sample.inputs))
        if key not in known:
            known[key] = perturbation.variants(Original(page, sample, bind), spec.draws, random)
        made = known[key]
        if isinstance(made, LeftOut):
            left_out[made.reason] += 1
            continue
        kept.append(place)
        for number, variant in enumerate(made, 1):
            bound = bind(variant.columns)
            changed = replace(
                bound,
                id=variant_id(sample.id, number, variant.label),
                reference=variant.reference or bound.reference,
                gold=variant.gold if variant.gold is not None else bound.gold,
                # Its original is its cluster, unless the data have clusters of their own
                group=sample.group if sample.group is not None else sample.id,
            )
            variants.append(BoundVariant(place, changed))
            numbers += variant.sizes
            if variant.sizes:
                answers += _answers(sample, changed)
    if not kept:
        reasons = "; ".join(f"{reason}: {count}" for reason, count in left_out.most_common(3))
        ids = ", ".join(repr(sample.id) for sample in samples[:3])
        own_ids = f"; ids here are {ids}" if isinstance(perturbation, NamesSamples) else ""
        raise DataError(f"--perturb {spec.by}: none of the {len(samples)} samples can be changed ({reasons}){own_ids}")
    return PerturbedSamples(
        tuple(kept), tuple(variants), dict(left_out.most_common()), tuple(numbers), tuple(answers), perturbation.about
    )


def _answers(original: Sample, changed: Sample) -> list[NumberPair]:
    """The right answers of both, where they are plain numbers."""
    texts = [
        sample.reference.values[0].strip().replace(",", "") if isinstance(sample.reference, Answer) else ""
        for sample in (original, changed)
    ]
    plain = all(text.removeprefix("-").replace(".", "", 1).isdecimal() for text in texts)
    return [NumberPair(texts[0], texts[1])] if plain else []
