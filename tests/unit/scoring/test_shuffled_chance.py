"""How often another sample's right answer is right by chance: the counts give what all pairs give."""

from __future__ import annotations

from random import Random

import pytest

from harness.datatypes import Answer, Choice, Reference, Sample
from harness.validate import _chance, _right_for


def references(kind: str, seed: int) -> list[Reference]:
    draw = Random(seed)
    if kind == "answers":
        texts = ["1", "2 ", " 2", "3  4", "3 4", "5", ""]
        return [Answer(tuple(draw.choices(texts, k=draw.randint(1, 3)))) for _ in range(40)]
    made: list[Reference] = []
    for _ in range(40):
        count = draw.randint(2, 5)
        gold, *also = draw.sample(range(count), draw.randint(1, 2))
        made.append(Choice(tuple("abcde"[:count]), gold, tuple(also)))
    return made


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("kind", "wrap"), [("answers", False), ("choices", False), ("choices", True)])
def test_the_chance_is_that_of_all_pairs(kind: str, wrap: bool, seed: int) -> None:
    samples = [Sample(str(place), {}, each) for place, each in enumerate(references(kind, seed))]
    pairs = [(here, there) for here in samples for there in samples if here is not there]
    right = sum(_right_for(here, there, wrap) for here, there in pairs)
    assert 0 < right < len(pairs)
    assert _chance(samples, wrap) == right / len(pairs)


def test_the_chance_is_counted_without_a_look_at_every_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    def counted(sample: Sample, other: Sample, wrap: bool) -> bool:
        looks.append(sample.id)
        return _right_for(sample, other, wrap)

    monkeypatch.setattr("harness.validate._right_for", counted)
    samples = [Sample(str(place), {}, Answer((str(place % 7),))) for place in range(70)]
    assert _chance(samples, False) == pytest.approx(9 / 69)
    assert len(looks) <= 70
