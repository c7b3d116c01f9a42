"""summary.md: the tables of the run, for a pull request or the summary of a CI job."""

from __future__ import annotations

from pathlib import Path

from harness.errors import RunFolderError
from harness.export.base import Export, StoredRun

TABLE = "table.md"


class MarkdownExport:
    """Writes summary.md."""

    def write(self, run: StoredRun, out: Path) -> list[Path]:
        """Write the file. Raises RunFolderError for a run without its table.md."""
        source = run.folder / TABLE
        if not source.is_file():
            raise RunFolderError(f"{source}: missing; `harness rescore {run.folder}` writes it again")
        manifest = run.manifest
        facts = [
            f"- model: `{manifest.model_path}`" + (f" at `{r}`" if (r := manifest.engine.get("revision")) else ""),
            f"- run: `{manifest.run_id}`, {run.date.strftime('%Y-%m-%d %H:%M')} UTC",
            f"- command: `{' '.join(manifest.command).replace('`', '')}`",
        ]
        path = out / "summary.md"
        path.write_text(source.read_text(encoding="utf-8") + "\n" + "\n".join(facts) + "\n", encoding="utf-8")
        return [path]


def build() -> Export:
    """Make the export."""
    return MarkdownExport()
