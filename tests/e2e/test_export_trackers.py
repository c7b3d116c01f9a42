"""`--to wandb|mlflow|trackio`: read back with each tracker's own reader; a missing package is one line."""

from __future__ import annotations

import importlib.util
import json
import os
import struct
import time

import pytest
from exported_runs import SCORES, exported, hostile_run

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def run(cli, sums, tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("WANDB_", "MLFLOW_", "TRACKIO_"))]:
        monkeypatch.delenv(name)
    return hostile_run(cli, sums, tmp_path)


def expected(run):
    (row,) = json.loads((run / "scores.json").read_text())["rows"]
    name = "sums/exact_match/mean"
    return {name: row["value"], **{f"{name}/{key}": row[key] for key in ("low", "high", "stderr", "n", "truncated")}}


def test_mlflow_has_parameters_metrics_and_samples_once(cli, run, tmp_path):
    mlflow, _, _ = map(pytest.importorskip, ("mlflow", "sqlalchemy", "alembic"))
    from pyarrow import parquet

    for _ in range(2):
        (database,) = exported(cli, run, "mlflow")
    client = mlflow.MlflowClient(f"sqlite:///{database}")
    (found,) = client.search_runs([client.get_experiment_by_name("harness").experiment_id])
    assert expected(run).items() <= found.data.metrics.items()
    assert found.data.params["sums/shots"] == "0" and found.data.params["sums/max_tokens"] == "8"
    assert found.info.status == "FINISHED" and found.info.run_name == "r on sums"
    (file,) = client.list_artifacts(found.info.run_id)
    path = database.parent / "artifacts" / found.info.run_id / "artifacts" / file.path
    rows = parquet.read_table(path).to_pylist()
    assert {row["sample_id"]: row["score"] for row in rows} == SCORES


def stored(data: bytes):
    """The records of W&B's file: LevelDB's log format (blocks of 32 KiB; checksum, length, type) behind 7 bytes."""
    whole, place = b"", 7
    while place + 7 <= len(data):
        left = -place % 32768
        if 0 < left < 7:
            place += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, place)
        whole += data[place + 7 : place + 7 + length]
        place += 7 + length
        # 1: a whole record; 2, 3, 4: the first, a middle, the last part of one
        if kind in (1, 4):
            yield whole
            whole = b""


def records(file):
    from wandb.proto import wandb_internal_pb2

    return [wandb_internal_pb2.Record.FromString(data) for data in stored(file.read_bytes())]


def test_wandb_offline_has_the_run_in_its_file(cli, run):
    pytest.importorskip("wandb")
    (folder,) = exported(cli, run, "wandb")
    (file,) = folder.glob("*.wandb")
    until = time.monotonic() + 60
    # Its service may write the end of the file after the client has returned
    found = records(file)
    while not any(record.HasField("exit") for record in found) and time.monotonic() < until:
        time.sleep(0.1)
        found = records(file)
    config = {each.key: json.loads(each.value_json) for record in found for each in record.run.config.update}
    updates = [update for record in found for update in record.summary.update]
    summary = {"/".join(update.nested_key) or update.key: json.loads(update.value_json) for update in updates}
    assert expected(run).items() <= summary.items()
    assert config["sums/shots"] == 0 and config["suite"] == "sums"
    tables = list(folder.rglob("*.table.json"))
    assert {row[1]: row[4] for row in json.loads(tables[0].read_text())["data"]} == SCORES


def test_trackio_has_the_run_in_a_local_project(cli, run, tmp_path, monkeypatch):
    # Read when it is imported
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "store"))
    pytest.importorskip("trackio")
    (folder,) = exported(cli, run, "trackio")
    from trackio.sqlite_storage import SQLiteStorage

    (name,) = SQLiteStorage.get_runs("harness")
    (logged,) = SQLiteStorage.get_logs("harness", name)
    assert folder == tmp_path / "store" and expected(run).items() <= logged.items()
    assert SQLiteStorage.get_run_config("harness", name)["sums/shots"] == 0
    assert {row["sample_id"]: row["score"] for row in logged["samples"]["_value"]} == SCORES


@pytest.mark.parametrize("name", ["wandb", "mlflow", "trackio"])
def test_a_missing_package_is_one_line(cli, run, name, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda each, *more: None if each == name else found(each, *more))
    seen = cli("export", run, "--to", name)
    assert seen.code == 2 and seen.err.count("\n") == 1 and f"pip install 'harness[{name}]'" in seen.err
