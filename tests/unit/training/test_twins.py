"""The calibration of the probe: the document shows the file, the file what is promised, and a twin can be made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from files import REPO

from harness.probes.calibration import power, twins
from harness.results import ORDER
from training import twins as made
from training.twins_table import tables, written

FILE = REPO / "configs" / "probes" / "contamination.jsonl"


def test_the_document_has_the_tables_of_the_file() -> None:
    text = (REPO / "docs" / "probes.md").read_text(encoding="utf-8")
    assert written(text, tables(FILE)) == text, "run `python -m training.twins FILE --write docs/probes.md`"


def test_twenty_copies_are_found_and_none_are_not() -> None:
    found = {one.copies: one for one in power(twins(), ORDER)}
    assert found[20].models >= 20
    assert found[20].found / found[20].models >= 0.9
    assert found[0].found == 0


def test_each_model_is_in_the_file_once() -> None:
    lines = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
    assert len({(line["copies"], line["seed"]) for line in lines}) == len(lines)


@pytest.mark.slow
def test_a_model_that_read_its_set_twenty_times_is_found(tmp_path: Path) -> None:
    """The whole way: base, twin, engine, probe; the control and the sets that it has not read stay silent."""
    line = made.line_of(made.Family(tmp_path), copies=20, seed=1)
    assert line["order_adjusted"] <= 0.01
    assert line["order_control"] > 0.001
