"""No export holds a key, a login or a home folder of the command, whatever its format; scores that are no numbers."""

from __future__ import annotations

import json
from zipfile import ZipFile, is_zipfile

import pytest
from exported_runs import exported, hostile_run

from harness.export.base import read_stored
from harness.export.facts import plain_name
from harness.export.tracked import metrics, parameters

SECRETS = ("s3cr3t-w0rd", "hunter2", "abcdefghijklmnop", "/home/joe")
COMMAND = [
    "/home/joe/bin/harness",
    *("run", "--api-key", SECRETS[0], "--endpoint", "https://joe:hunter2@host/v1?api_key=s3cr3t-w0rd"),
    *("--set", 'engine.headers={"x-api-key": "s3cr3t-w0rd"}', "--note", "hf_abcdefghijklmnop"),
    *("--out", "/home/joe/my runs/x"),
]


def edited(run, name, change):
    """Rewrite a JSON file of a run."""
    path = run / name
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def texts(files):
    """The bytes of files, and of files in those that are zips."""
    for file in files:
        yield file.read_bytes()
        if is_zipfile(file):
            with ZipFile(file) as inner:
                yield from map(inner.read, inner.namelist())


@pytest.fixture
def private(cli, sums, tmp_path):
    """A run whose manifest holds secrets."""
    run = hostile_run(cli, sums, tmp_path, answers={0: "3", 1: "4"})

    def change(manifest):
        manifest["command"] = COMMAND
        manifest["identity"]["model"]["path"] = "/home/joe/models/m"
        manifest["tasks"]["sums"]["page"]["data"]["path"] = "/home/joe/data/sums.jsonl"

    edited(run, "manifest.json", change)
    return run


@pytest.mark.parametrize("to", ["csv", "every_eval_ever", "inspect", "junit", "lm_eval", "markdown", "parquet"])
def test_no_export_publishes_what_the_command_hides(cli, private, to):
    found = list(texts(exported(cli, private, to)))
    assert found
    for secret in SECRETS:
        assert not any(secret.encode() in text for text in found), secret


def test_no_tracker_gets_what_the_command_hides(private):
    given = json.dumps(parameters(read_stored(private)))
    assert not any(secret in given for secret in SECRETS)
    assert "--api-key ***" in given and "~/'my runs/x'" in given


@pytest.mark.parametrize("to", ["csv", "every_eval_ever", "inspect", "junit", "lm_eval", "markdown", "parquet"])
def test_a_score_that_is_no_number_is_left_out(cli, private, to):
    def change(document):
        document["rows"].append({**document["rows"][0], "metric": "other"})
        document["rows"][0].update(value=float("inf"), high=float("nan"))

    edited(private, "scores.json", change)
    for file in exported(cli, private, to):
        if file.suffix == ".json":
            json.loads(file.read_text(encoding="utf-8"), parse_constant=pytest.fail)
        if file.suffix == ".eval":
            with ZipFile(file) as inner:
                json.loads(inner.read("header.json"), parse_constant=pytest.fail)
        if to == "markdown":
            assert "not a finite number" in file.read_text(encoding="utf-8")
    stored = read_stored(private)
    assert stored.estimates[0].value is None and "not a finite number" in stored.warnings[-1]
    assert "sums/exact_match/mean" not in metrics(stored)
    json.dumps(metrics(stored), allow_nan=False)


def test_two_names_never_become_one():
    names = ["a b", "a_b", "a/b", "_a_b", "x" * 100, "x" * 101, "x" * 102, "", "..", "é"]
    plain = [plain_name(name) for name in names]
    assert len(set(plain)) == len(names) and max(map(len, plain)) <= 100
    assert plain_name("org-1_x.y") == "org-1_x.y"
