"""`harness export`: each format is read back by its own reader, with the run's numbers and none of its text obeyed."""

from __future__ import annotations

import csv
import json
from xml.etree import ElementTree

import pytest
import yaml
from exported_runs import HOSTILE, exported, hostile_run
from files import read_jsonl


@pytest.fixture
def run(cli, sums, tmp_path):
    return hostile_run(cli, sums, tmp_path)


def test_csv_has_a_line_a_score_and_no_formula(cli, run):
    (file,) = exported(cli, run, "csv")
    rows = list(csv.DictReader(file.open(newline="")))
    assert {row["sample_id"]: float(row["score"]) for row in rows} == {"s0": 1, "s1": 1, "s2": 1, "s3": 0, "s4": 1}
    cells = [cell for row in rows for cell in row.values()]
    assert [cell for cell in cells if cell.startswith(("=", "@", "\t"))] == []
    by_id = {row["sample_id"]: row for row in rows}
    assert by_id["s0"]["completion"].startswith("'=cmd") and by_id["s3"]["completion"] == "-9"


def test_parquet_has_the_same_rows_with_their_types(cli, run):
    from pyarrow import parquet

    (file,) = exported(cli, run, "parquet")
    table = parquet.read_table(file)
    rows = {row["sample_id"]: row for row in table.to_pylist()}
    assert {name: row["score"] for name, row in rows.items()} == {"s0": 1.0, "s1": 1.0, "s2": 1.0, "s3": 0.0, "s4": 1.0}
    assert rows["s2"]["completion"] == HOSTILE[2] and rows["s3"]["reason"] == "'-9' is not '9'"


def test_junit_counts_and_holds_hostile_text_as_text(cli, run):
    (file,) = exported(cli, run, "junit")
    root = ElementTree.parse(file).getroot()
    assert {key: root.get(key) for key in ("tests", "failures", "errors")} == {
        "tests": "5", "failures": "1", "errors": "0",
    }  # fmt: skip
    (suite,) = root
    # Records are in the order in which answers were scored
    assert sorted(case.get("name") for case in suite) == ["s0", "s1", "s2", "s3", "s4"]
    (failure,) = suite.iter("failure")
    assert failure.get("message") == "exact_match 0: '-9' is not '9'"


def test_the_hub_gets_a_file_a_task_whose_data_is_there(cli, run):
    from huggingface_hub import parse_eval_result_entries

    seen = cli("export", run, "--to", "hub")
    assert seen.code == 2 and "tasks whose data is on the hub" in seen.err
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["tasks"]["sums"]["page"]["data"]["path"] = "org/sums"
    manifest["tasks"]["sums"]["commit"] = "a" * 40
    (run / "manifest.json").write_text(json.dumps(manifest))
    (file,) = exported(cli, run, "hub")
    (entry,) = parse_eval_result_entries(yaml.safe_load(file.read_text()))
    assert (entry.dataset_id, entry.task_id, entry.value, entry.dataset_revision) == ("org/sums", "sums", 0.8, "a" * 40)
    assert entry.notes.startswith("exact_match/mean, 0 shots, text prompt, n 5 of 10, 95 % interval [")
    assert file.parent.name == ".eval_results"


def test_lm_eval_gets_results_and_samples(cli, run):
    results, samples = exported(cli, run, "lm-eval")
    document = json.loads(results.read_text())
    assert document["results"]["sums"]["exact_match,none"] == 0.8
    assert document["n-samples"]["sums"] == {"original": 10, "effective": 5}
    assert document["configs"]["sums"]["output_type"] == "generate_until"
    # Records are in the order in which answers were scored
    rows = sorted(read_jsonl(samples), key=lambda row: row["doc"]["sample_id"])
    assert [row["doc"]["sample_id"] for row in rows] == ["s0", "s1", "s2", "s3", "s4"]
    assert [row["exact_match"] for row in rows] == [1, 1, 1, 0, 1] and rows[3]["resps"] == [["-9"]]
    assert results.name.replace("results", "samples_sums").removesuffix(".json") == samples.stem


@pytest.mark.parametrize(
    ("damage", "to", "message"),
    [
        (None, "lmeval", "no export format is called 'lmeval'; did you mean 'lm-eval'?"),
        ("scores.json", "csv", "scores.json: missing or damaged; `harness rescore"),
    ],
)
def test_what_cannot_be_exported_is_one_line(cli, run, damage, to, message):
    if damage:
        (run / damage).unlink()
    seen = cli("export", run, "--to", to)
    assert seen.code == 2 and message in seen.err and seen.err.count("\n") == 1


def test_a_run_that_is_not_finished_is_refused(cli, run):
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(manifest | {"status": "running"}))
    seen = cli("export", run, "--to", "csv")
    assert seen.code == 2 and "the run is not finished" in seen.err


DAMAGED = ({"rows": [{"task": "sums"}]}, {"rows": [{"task": "sums", "primary": True}]}, {"rows": [7]}, {"rows": 7}, [])


@pytest.mark.parametrize("to", ["hub", "lm-eval", "csv"])
@pytest.mark.parametrize("document", DAMAGED)
def test_damaged_scores_are_one_line(cli, run, to, document):
    (run / "scores.json").write_text(json.dumps(document))
    seen = cli("export", run, "--to", to)
    assert seen.code == 2 and seen.err.count("\n") == 1
    assert "scores.json: missing or damaged; `harness rescore" in seen.err and "writes it again" in seen.err


@pytest.mark.parametrize("to", ["hub", "lm-eval", "csv", "junit", "parquet", "markdown", "inspect", "every-eval-ever"])
@pytest.mark.parametrize("name", ["../../../evil", "/evil", "a/b", "..", "a\x00b", "evil\n", ""])
def test_a_task_that_no_run_could_have_is_written_nowhere(cli, run, to, name):
    """A run folder from a stranger: its tasks would be names of files."""
    for file in ("manifest.json", "scores.json"):
        document = json.loads((run / file).read_text())
        if file == "manifest.json":
            document["tasks"][name] = document["tasks"].pop("sums")
            document["identity"]["tasks"][name] = document["identity"]["tasks"].pop("sums")
            document["tasks"][name]["page"]["data"]["path"] = "org/sums"
        else:
            document["rows"] = [row | {"task": name} for row in document["rows"]]
        (run / file).write_text(json.dumps(document))
    before = set(run.parent.rglob("*"))
    seen = cli("export", run, "--to", to, "--out", run.parent / "o/u/t")
    assert seen.code == 2 and "is no name of a task" in seen.err and seen.err.count("\n") == 1
    assert set(run.parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("file", "message"), [("scores", "missing or damaged"), ("records", "is not in manifest.json")]
)
def test_scores_and_records_of_other_tasks_are_refused(cli, run, file, message):
    path = next(run.glob(f"{file}.json*"))
    path.write_text(
        path.read_text().replace('"task": "sums"', '"task": "../x"').replace('"task":"sums"', '"task":"../x"')
    )
    seen = cli("export", run, "--to", "lm-eval")
    assert seen.code == 2 and message in seen.err and seen.err.count("\n") == 1


def test_a_hub_id_may_have_a_dot_and_a_file_is_none():
    from harness.export.facts import is_hub_id

    assert is_hub_id("org/data-v1.1") and is_hub_id("org.x/data")
    assert not any(map(is_hub_id, ("./data", "/a/data", "rows.jsonl", "org/rows.jsonl.gz", "org/a/b", "data")))
