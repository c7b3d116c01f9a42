"""`harness push`: says what it would send, sends it to a hub of the test, and each refusal is one line."""

from __future__ import annotations

import json

import pytest
import yaml
from engines.small_hub import WRITE_TOKEN, serving
from exported_runs import hostile_run

from harness.hub import _unreachable

MODEL, TABLES = "ann/model", "ann/tables"
PAGE = {"name": "Sums", "tasks": [{"id": "plain", "config": "default", "split": "train"}, {"id": "x", "split": "test"}]}


@pytest.fixture
def run(cli, sums, tmp_path):
    """A run whose data is on the hub."""
    folder = hostile_run(cli, sums, tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["tasks"]["sums"]["page"]["data"]["path"] = "org/sums"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def hub(tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench/eval.yaml").write_text(yaml.safe_dump(PAGE))
    with serving({MODEL: tmp_path / "model"}) as server:
        server.data = {TABLES: {"b" * 40: tmp_path / "model"}, "org/sums": {"c" * 40: tmp_path / "bench"}}
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        monkeypatch.setenv("HF_TOKEN", WRITE_TOKEN)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        # Found out once a process, which in the tests has had other hubs
        _unreachable.cache_clear()
        yield server
    _unreachable.cache_clear()


def test_without_yes_nothing_is_sent(cli, run, hub):
    seen = cli("push", run, "--repo", MODEL, "--results-repo", TABLES)
    assert seen.code == 0 and hub.requested == [] and hub.commits == []
    assert f"Would open a pull request on the model {MODEL}" in seen.out
    assert seen.out.startswith("warning: ") and "task id sums (not looked up yet)" in seen.out
    assert ".eval_results/sums.yaml  org/sums, 0.800" in seen.out and "scores.json" in seen.out
    assert seen.out.endswith("Nothing was sent; --partial --yes sends it.\n")


def test_results_go_into_a_pull_request_with_the_tables_as_their_source(cli, run, hub):
    from huggingface_hub import parse_eval_result_entries

    seen = cli("push", run, "--repo", MODEL, "--results-repo", TABLES, "--partial", "--yes")
    assert seen.code == 0, seen.err
    tables, results = hub.commits
    assert (tables.kind, tables.repo, tables.review) == ("datasets", TABLES, True)
    assert (results.kind, results.repo, results.review) == ("models", MODEL, True)
    by_name = {path.rsplit("/", 1)[1]: content for path, content in tables.files.items()}
    assert by_name == {name: (run / name).read_bytes() for name in ("scores.json", "table.md", "table.csv")}
    ((path, content),) = results.files.items()
    (entry,) = parse_eval_result_entries(yaml.safe_load(content))
    assert path == ".eval_results/sums.yaml" and (entry.dataset_id, entry.value) == ("org/sums", 0.8)
    # What the benchmark's eval.yaml calls the part of the data that the page names
    assert entry.task_id == "x"
    assert seen.out.splitlines() == [
        f"{hub.address}/datasets/{TABLES}/discussions/1",
        f"{hub.address}/{MODEL}/discussions/2",
    ]
    assert entry.source_url == seen.out.splitlines()[0]


def test_direct_commits_to_main(cli, run, hub):
    seen = cli("push", run, "--repo", MODEL, "--direct", "--task-id", "sums=plain", "--partial", "--yes")
    assert seen.code == 0, seen.err
    (results,) = hub.commits
    assert not results.review and yaml.safe_load(next(iter(results.files.values())))[0]["dataset"]["task_id"] == "plain"


def refused(seen, hub, *parts):
    assert seen.code == 2 and seen.err.count("\n") == 1 and seen.err.startswith("harness: "), seen.err
    assert all(part in seen.err for part in parts), seen.err
    assert hub.commits == []


def test_a_task_id_that_the_benchmark_has_not_is_refused(cli, run, hub):
    seen = cli("push", run, "--repo", MODEL, "--task-id", "sums=y", "--partial", "--yes")
    refused(seen, hub, "no task 'y'", "plain, x", "--task-id sums=ID")


def test_no_token(cli, run, hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    refused(cli("push", run, "--repo", MODEL, "--partial", "--yes"), hub, "no token", "hf auth login")


def test_a_token_that_may_not_write(cli, run, hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_reads")
    refused(cli("push", run, "--repo", MODEL, "--partial", "--yes"), hub, MODEL, "hf auth login")


def test_no_such_repository(cli, run, hub):
    refused(cli("push", run, "--repo", "ann/other", "--partial", "--yes"), hub, "ann/other: no such model on the hub")


def test_a_gated_repository(cli, run, hub):
    hub.gated = frozenset({MODEL})
    refused(cli("push", run, "--repo", MODEL, "--partial", "--yes"), hub, f"{MODEL} is gated")


def test_no_network(cli, run, hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    refused(cli("push", run, "--repo", MODEL, "--partial", "--yes"), hub, "hub cannot be reached")


@pytest.mark.parametrize("name", ["model", "a/b/c", "../up", "a/b c", "", "a/\x1b[2J"])
def test_a_name_that_is_none(cli, run, hub, name):
    refused(cli("push", run, "--repo", name), hub, "names like USER/MODEL")


def test_a_run_of_local_data_has_nothing_to_send(cli, sums, tmp_path, hub):
    refused(cli("push", hostile_run(cli, sums, tmp_path), "--repo", MODEL), hub, "tasks whose data is there")


def test_a_score_of_a_part_is_sent_only_when_that_is_said(cli, run, hub):
    seen = cli("push", run, "--repo", MODEL, "--yes")
    assert seen.code == 2 and "add --partial" in seen.err and hub.commits == []
    assert "warning: " in cli("export", run, "--to", "hub").err


def changed_manifest(run, change):
    """Change what the run's manifest says of its task."""
    manifest = json.loads((run / "manifest.json").read_text())
    change(manifest["tasks"])
    (run / "manifest.json").write_text(json.dumps(manifest))


def test_a_score_on_changed_questions_is_no_result_of_the_benchmark(cli, run, hub):
    perturbed = {"by": "numbers", "rows": "variants", "draws": 2, "seed": 0}
    changed_manifest(run, lambda tasks: tasks["sums"]["page"]["data"].update(perturbed=perturbed))
    refused(
        cli("push", run, "--repo", MODEL, "--partial", "--yes"),
        hub,
        "whose data is there, with their own questions",
    )
    assert cli("export", run, "--to", "hub").out == "" and not list(run.rglob("sums.yaml"))


def test_two_protocols_of_one_benchmark_are_not_sent_as_one_score(cli, run, hub):
    changed_manifest(run, lambda tasks: tasks.update({"sums_8shot": tasks["sums"] | {"n": 0}}))
    scores = json.loads((run / "scores.json").read_text())
    scores["rows"] += [row | {"task": "sums_8shot"} for row in scores["rows"]]
    (run / "scores.json").write_text(json.dumps(scores))
    words = ("push", run, "--repo", MODEL, "--partial", "--yes")
    refused(cli(*words), hub, "sums and sums_8shot would both be the task 'x' of org/sums")
    seen = cli(*words, "--task-id", "sums_8shot=plain")
    assert seen.code == 0 and len(hub.commits[0].files) == 2, seen.err
