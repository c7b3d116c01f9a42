"""A run in MLflow: into mlflow.db here, or to MLFLOW_TRACKING_URI where the user has set it.

Exporting a run again updates it: it is found by its id. The samples are an artifact, samples.parquet.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness import plugins
from harness.errors import ConfigError
from harness.export.base import Export, StoredRun
from harness.export.facts import encodable
from harness.export.samples import write_parquet
from harness.export.tracked import PROJECT, metrics, parameters, title
from harness.hub import one_line

ADDRESS = "MLFLOW_TRACKING_URI"
TAG = "harness.run_id"
# Most entries in one call, and longest value of a parameter, that a server takes
BATCH = 100
LONGEST = 6000


class MlflowExport:
    """Writes a run with parameters, metrics and samples."""

    store = "mlflow.db"

    def write(self, run: StoredRun, out: Path) -> list[Path | str]:
        """Write the run; return the database, or the address. Raises ConfigError for what MLflow refuses."""
        plugins.require("mlflow", "mlflow", "--to mlflow")
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        address = os.environ.get(ADDRESS)
        if not address:
            # A server has a database of its own; the slim client brings none
            plugins.require("sqlalchemy", "mlflow", "--to mlflow")
            plugins.require("alembic", "mlflow", "--to mlflow")
        _quiet()
        from mlflow.exceptions import MlflowException

        try:
            _log(run, address or f"sqlite:///{out.resolve() / self.store}", None if address else out.resolve())
        except MlflowException as error:
            raise ConfigError(f"MLflow ({address or out / self.store}) refuses the run: {one_line(error)}") from None
        return [address or out / self.store]


def _quiet() -> None:
    """Keep its notes on tables that it makes off the terminal."""
    import logging

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _log(run: StoredRun, address: str, folder: Path | None) -> None:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    client = MlflowClient(address)
    found = client.get_experiment_by_name(PROJECT)
    place = (folder / "artifacts").as_uri() if folder else None
    experiment = found.experiment_id if found else client.create_experiment(PROJECT, place)
    milliseconds = int(1000 * run.date.timestamp())
    run_id = _run_id(client, experiment, run)
    params = [Param(_key(key), str(value)[:LONGEST]) for key, value in parameters(run).items()]
    numbers = [Metric(_key(key), value, milliseconds, 0) for key, value in metrics(run).items()]
    for some in _batches(params):
        client.log_batch(run_id, params=some)
    for several in _batches(numbers):
        client.log_batch(run_id, metrics=several)
    with TemporaryDirectory() as scratch:
        file = Path(scratch) / "samples.parquet"
        write_parquet(run, file)
        client.log_artifact(run_id, str(file))
    client.set_terminated(run_id, "FINISHED", milliseconds)


def _run_id(client: Any, experiment: str, run: StoredRun) -> str:
    """The run that an earlier export made, or a new one."""
    own = encodable(run.manifest.run_id)
    quoted = own.replace("'", "")
    earlier = client.search_runs([experiment], f"tags.`{TAG}` = '{quoted}'", max_results=1)
    if earlier:
        return str(earlier[0].info.run_id)
    started = int(1000 * run.manifest.started_at)
    return str(client.create_run(experiment, started, {TAG: quoted}, title(run)).info.run_id)


def _batches(entries: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(entries)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _key(name: str) -> str:
    """MLflow takes letters, digits and `_-. :/` in names."""
    return "".join(sign if sign.isalnum() or sign in "_-. :/" else "_" for sign in name)[:250]


def build() -> Export:
    """Make the export."""
    return MlflowExport()
