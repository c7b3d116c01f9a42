"""samples.parquet: a row for each score of each record, for data frames (pyarrow comes with `datasets`)."""

from __future__ import annotations

from pathlib import Path

from harness.export.base import Export, StoredRun
from harness.export.samples import write_parquet


class ParquetExport:
    """Writes samples.parquet."""

    def write(self, run: StoredRun, out: Path) -> list[Path]:
        """Write the file."""
        path = out / "samples.parquet"
        write_parquet(run, path)
        return [path]


def build() -> Export:
    """Make the export."""
    return ParquetExport()
