"""A run in Trackio: into a local project here, or to TRACKIO_SPACE_ID or TRACKIO_SERVER_URL where the user set one.

Trackio reads its folder (TRACKIO_DIR) when it is imported; `TRACKIO_DIR=FOLDER trackio show` opens what is here.
"""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

from harness import plugins
from harness.export.base import Export, StoredRun
from harness.export.facts import encodable
from harness.export.samples import COLUMNS, sample_rows
from harness.export.tracked import PROJECT, metrics, parameters, title

FOLDER = "TRACKIO_DIR"
ADDRESSES = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL")
# A table is for looking at: all samples are in the run folder
MOST_ROWS = 2000
SHOWN = ("task", "sample_id", "repeat", "scorer", "score", "answer", "reason", "failure", "finish", "completion")


class TrackioExport:
    """Writes a run with parameters, metrics and a table of samples."""

    store = "trackio"

    def write(self, run: StoredRun, out: Path) -> list[Path | str]:
        """Write the run; return the folder of the project, or the address."""
        plugins.require("trackio", "trackio", "--to trackio")
        os.environ.setdefault(FOLDER, str(out.resolve()))
        # It greets on stdout, where this command prints files
        with contextlib.redirect_stdout(io.StringIO()):
            _log(run)
        address = next((os.environ[name] for name in ADDRESSES if os.environ.get(name)), None)
        return [address or Path(os.environ[FOLDER])]


def _log(run: StoredRun) -> None:
    import pandas
    import trackio

    rows = []
    for record in run.records():
        rows += [{column: row[column] for column in COLUMNS if column in SHOWN} for row in sample_rows(record)]
        if len(rows) >= MOST_ROWS:
            break
    name = f"{title(run)} {run.manifest.run_id[:8]}"
    trackio.init(PROJECT, name, config=parameters(run), resume="allow", embed=False, auto_log_gpu=False)
    trackio.log({**metrics(run), "samples": trackio.Table(dataframe=pandas.DataFrame(encodable(rows)))})
    trackio.finish()


def build() -> Export:
    """Make the export."""
    return TrackioExport()
