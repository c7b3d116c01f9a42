"""samples.parquet: a row for each score of each record, for data frames (pyarrow comes with `datasets`)."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from harness.export.base import Export, StoredRun
from harness.export.facts import encodable
from harness.export.samples import COLUMNS, sample_rows

# Records in memory at once
BATCH = 2000
INTEGERS = {"repeat", "prompt_tokens", "output_tokens"}
FLOATS = {"score", "seconds"}


class ParquetExport:
    """Writes samples.parquet."""

    def write(self, run: StoredRun, out: Path) -> list[Path]:
        """Write the file."""
        import pyarrow
        from pyarrow import parquet

        kinds = {column: pyarrow.string() for column in COLUMNS}
        kinds |= {column: pyarrow.int64() for column in INTEGERS} | {column: pyarrow.float64() for column in FLOATS}
        schema = pyarrow.schema([(column, kinds[column]) for column in COLUMNS])
        path = out / "samples.parquet"
        with parquet.ParquetWriter(path, schema) as writer:
            rows = (row for record in run.records() for row in sample_rows(record))
            while batch := list(islice(rows, BATCH)):
                writer.write_table(pyarrow.Table.from_pylist(encodable(batch), schema=schema))
        return [path]


def build() -> Export:
    """Make the export."""
    return ParquetExport()
