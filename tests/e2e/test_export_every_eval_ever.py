"""`--to every-eval-ever`: both files are valid by the schemas of Every Eval Ever, and belong together."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from exported_runs import HOSTILE, SCORES, exported, hostile_run
from jsonschema import Draft7Validator

SCHEMAS = Path(__file__).parent.parent / "data" / "every_eval_ever"


def validator(name: str) -> Draft7Validator:
    return Draft7Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text()))


@pytest.fixture
def files(cli, sums, tmp_path):
    return exported(cli, hostile_run(cli, sums, tmp_path), "every-eval-ever")


def test_both_files_are_valid_and_belong_together(files):
    aggregate, samples = files
    document = json.loads(aggregate.read_bytes().decode("ascii"))
    # Lines as Python's own splitlines has them, which Every Eval Ever's validator uses
    rows = [json.loads(line) for line in samples.read_bytes().decode("ascii").splitlines()]
    validator("eval").validate(document)
    for row in rows:
        validator("instance_level_eval").validate(row)
    details = document["detailed_evaluation_results"]
    assert aggregate.with_name(f"{aggregate.stem}_samples.jsonl") == samples
    assert str(samples).endswith(f"/{details['file_path']}")
    assert details["checksum"] == hashlib.sha256(samples.read_bytes()).hexdigest()
    assert details["total_rows"] == len(rows) == len(HOSTILE)
    assert {row["evaluation_id"] for row in rows} == {document["evaluation_id"]}
    assert {row["model_id"] for row in rows} == {document["model_info"]["id"]}
    ids = {result["evaluation_result_id"] for result in document["evaluation_results"]}
    assert {row["evaluation_result_id"] for row in rows} == ids


def test_the_numbers_are_those_of_the_run(files):
    aggregate, samples = files
    (result,) = json.loads(aggregate.read_text())["evaluation_results"]
    (stored,) = json.loads((aggregate.parents[6] / "scores.json").read_text())["rows"]
    details = result["score_details"]
    interval = details["uncertainty"]["confidence_interval"]
    assert (details["score"], interval["lower"], interval["upper"]) == (stored["value"], stored["low"], stored["high"])
    assert details["uncertainty"]["standard_error"]["value"] == stored["stderr"]
    assert details["uncertainty"]["num_samples"] == 5 and interval["confidence_level"] == 0.95
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    assert {row["sample_id"]: row["evaluation"]["score"] for row in rows} == SCORES
    (wrong,) = [row for row in rows if row["sample_id"] == "s3"]
    assert wrong["output"]["raw"] == ["-9"] and not wrong["evaluation"]["is_correct"]
    assert wrong["answer_attribution"][0]["extracted_value"] == "-9"
    assert result["generation_config"]["generation_args"]["max_tokens"] == 8


def test_the_same_run_gives_the_same_bytes(cli, files):
    before = [file.read_bytes() for file in files]
    again = exported(cli, files[0].parents[6], "every-eval-ever")
    assert [file.read_bytes() for file in again] == before
