"""A run in Weights & Biases: offline, into a folder here that `wandb sync` sends, unless WANDB_MODE says otherwise.

The samples are a table of the run; the run's id is the harness's, so that sending it twice updates one run.
"""

from __future__ import annotations

import os
from pathlib import Path

from harness import plugins
from harness.errors import ConfigError
from harness.export.base import Export, StoredRun
from harness.export.facts import encodable
from harness.export.samples import COLUMNS, sample_rows
from harness.export.tracked import PROJECT, metrics, parameters, title
from harness.hub import one_line

MODE = "WANDB_MODE"
# W&B cuts a table at 200,000 rows; a table of this size is a file of some megabytes
MOST_ROWS = 20_000


class WandbExport:
    """Writes a run with its configuration, its summary and a table of samples."""

    store = "wandb"

    def write(self, run: StoredRun, out: Path) -> list[Path | str]:
        """Write the run; return its folder, or its address. Raises ConfigError for what W&B refuses."""
        plugins.require("wandb", "wandb", "--to wandb")
        import wandb

        try:
            active = wandb.init(
                project=os.environ.get("WANDB_PROJECT", PROJECT),
                name=title(run),
                id=run.manifest.run_id,
                dir=str(out.resolve()),
                config=parameters(run),
                mode=None if os.environ.get(MODE) else "offline",
                resume="allow",
                settings=wandb.Settings(console="off", silent=True, x_disable_stats=True, disable_git=True),
            )
        except wandb.errors.Error as error:
            raise ConfigError(f"--to wandb: {one_line(error)} (`wandb login`, or {MODE}=offline)") from None
        table = wandb.Table(columns=list(COLUMNS))
        count = 0
        for record in run.records():
            for row in sample_rows(record):
                if count < MOST_ROWS:
                    table.add_data(*(encodable(row[column]) for column in COLUMNS))
                count += 1
        active.summary.update(metrics(run))
        active.log({"samples": table})
        place, address = Path(active.dir).parent, None if active.offline else active.url
        active.finish()
        return [address or place]


def build() -> Export:
    """Make the export."""
    return WandbExport()
