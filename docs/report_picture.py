"""Writes docs/report.png, the picture of a report in the README: `python -m docs.report_picture` (needs Chromium).

Two runs of the demo models and the claims of examples/claims, photographed by a headless browser and written with the
256 colours that a page of text and lines needs.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import harness
from harness.claims.runs import Given
from harness.html_report.writing import write_report

REPO = Path(__file__).resolve().parents[1]
PICTURE = REPO / "docs" / "report.png"
CLAIMS = REPO / "examples" / "claims" / "demo-larger.yaml"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Wide enough for the navigation beside the content, tall enough for the first parts
WIDTH, HEIGHT = 1200, 1400
# Never the day on which it is made: the picture changes only where the report does
MADE = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def write(folder: Path) -> Path:
    """The report of the demo models, with runs in this folder. Raises HarnessError."""
    runs = (Path("demo-smaller"), Path("demo-larger"))
    # The report names its runs as they are given: no path of this machine is in the picture
    with contextlib.chdir(folder):
        for run in runs:
            harness.evaluate(run.name, suite="demo", out=str(run))
        write_report(Path("report.html"), Given(runs), [str(CLAIMS)], made=MADE)
    return folder / "report.html"


def photograph(page: Path, to: Path) -> None:
    """The top of a page, as a PNG with a palette. Raises CalledProcessError, and SystemExit where no browser is."""
    from PIL import Image

    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        sys.exit("no Chromium here (Debian: apt install chromium)")
    raw = to.with_suffix(".raw.png")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={raw}", page.resolve().as_uri()]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        with Image.open(raw) as picture:
            picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(to, optimize=True)
    finally:
        raw.unlink(missing_ok=True)


def main() -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        photograph(write(Path(folder)), PICTURE)
    print(f"wrote {PICTURE} ({PICTURE.stat().st_size:,} bytes)")


if __name__ == "__main__":
    main()
