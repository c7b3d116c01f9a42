"""What programs read of a run: scores.json under its schema, and the same rows as CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from samples import all_values

import harness.report.scores as scores_module
from harness.analysis.languages import count_languages
from harness.analysis.sweep import sweep_of
from harness.report.csv_file import csv_text
from harness.report.languages import language_document
from harness.report.scores import RunFacts, scores_document, scores_text
from harness.report.sweeps import sweep_document
from harness.results import Estimate

RUN = RunFacts("2026-run", "org/model", "demo", "scripted")
SCORED = Estimate(
    "gsm8k", "strict", "mean", 1 / 3, 0.1, 0.6, "wilson", 12, 1, 1, 0.12, 0.0, 0.5, 0.0, 17.5, 80.25, ("w",)
)
UNKNOWN = Estimate("copa", "choice", "mean", None, None, None, "none", 0, 3, 1)
SCHEMA: dict[str, Any] = json.loads((Path(scores_module.__file__).parent / "scores.schema.json").read_text())
TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def document() -> dict[str, Any]:
    overall = replace(SCORED, task="demo", scorer="", method="macro", warnings=())
    prose = replace(UNKNOWN, task="prose", metric="word_perplexity", value=27.5, low=20.0, high=40.0, method="ratio")
    shown = [SCORED, replace(SCORED, scorer="flexible"), UNKNOWN, prose]
    text = scores_text(scores_document(RUN, shown, overall))
    read: dict[str, Any] = json.loads(text)
    return read


KEYWORDS = {
    *("$schema", "$defs", "title", "description", "type", "properties", "required", "additionalProperties"),
    *("const", "enum", "items", "minimum", "maximum"),
}


def faults(value: Any, schema: dict[str, Any], where: str = "$") -> list[str]:
    """Check the part of JSON Schema that ours uses; a keyword beyond it is itself a fault."""
    if "$ref" in schema:
        return faults(value, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], where)
    if "anyOf" in schema:
        options = [faults(value, option, where) for option in schema["anyOf"]]
        return [] if [] in options else options[0]
    found = [f"{where}: unknown keyword {keyword}" for keyword in schema.keys() - KEYWORDS]
    if not _is_of(value, schema.get("type", list(TYPES))):
        found.append(f"{where}: {value!r} is no {schema['type']}")
    elif isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        found.append(f"{where}: {value} is out of bounds")
    if value not in schema.get("enum", [schema.get("const", value)]):
        found.append(f"{where}: {value!r} is none of those allowed")
    if isinstance(value, dict) and "properties" in schema:
        assert schema["additionalProperties"] is False
        found += [f"{where}: key {key} missing or too much" for key in set(schema["required"]) ^ value.keys()]
        for key in value.keys() & schema["properties"].keys():
            found += faults(value[key], schema["properties"][key], f"{where}.{key}")
    if isinstance(value, list):
        for place, item in enumerate(value):
            found += faults(item, schema["items"], f"{where}[{place}]")
    return found


def _is_of(value: Any, types: str | list[str]) -> bool:
    names = [types] if isinstance(types, str) else types
    return any(isinstance(value, TYPES[name]) and isinstance(value, bool) == (name == "boolean") for name in names)


def test_the_document_keeps_its_schema() -> None:
    assert faults(document(), SCHEMA) == []


def test_sweeps_and_languages_keep_the_schema_too() -> None:
    values = all_values({"a": {"1": 1.0, "2": 0.0, "3": 1.0}, "b": {"1": 0.0, "2": 0.0, "3": 1.0}})
    whole = document()
    whole["sweeps"] = [sweep_document(sweep_of(values), {"a": {"shots": "0"}, "b": {"shots": "5"}}, "gsm8k")]
    whole["languages"] = language_document(count_languages(values, "a", 0.25, 0.15))
    read = json.loads(scores_text(whole))
    assert faults(read, SCHEMA) == []
    del read["languages"]["rows"][1]["gap"]["low"]
    read["sweeps"][0]["rows"][0]["value"] = 1.5
    assert len(faults(read, SCHEMA)) == 2


def test_the_schema_would_notice() -> None:
    broken = document()
    broken["rows"][0]["n"] = "12"
    del broken["rows"][1]["low"]
    broken["rows"][2]["truncated"] = 31.0
    broken["surprise"] = 1
    assert len(faults(broken, SCHEMA)) == 4


def test_a_row_holds_every_figure_of_its_estimate_unrounded() -> None:
    row = document()["rows"][0]
    assert row.keys() == {field.name for field in fields(Estimate)} - {"warnings"} | {"primary"}
    for name in row.keys() - {"primary"}:
        assert row[name] == getattr(SCORED, name)


def test_the_first_row_of_a_task_is_primary_and_the_suite_is_separate() -> None:
    found = document()
    assert [(row["task"], row["primary"]) for row in found["rows"]] == [
        ("gsm8k", True),
        ("gsm8k", False),
        ("copa", True),
        ("prose", True),
    ]
    assert (found["overall"]["task"], found["overall"]["method"]) == ("demo", "macro")
    assert found["warnings"] == ["gsm8k: w"]
    assert scores_document(RUN, [SCORED])["overall"] is None


def test_what_json_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        scores_text(scores_document(RUN, [replace(SCORED, value=math.nan)]))


def test_csv_has_the_same_rows_and_leaves_the_unknown_empty() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(document()))))
    assert [row["level"] for row in rows] == ["task", "task", "task", "task", "suite"]
    assert float(rows[0]["value"]) == 1 / 3
    assert (rows[2]["value"], rows[2]["n"], rows[2]["unscored"]) == ("", "0", "3")
    assert set(rows[0]) - {"level"} == set(document()["rows"][0])
