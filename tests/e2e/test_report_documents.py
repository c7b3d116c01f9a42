"""What README and docs/report.md show of the report: the picture, the parts, the demo's last line."""

from __future__ import annotations

import re
import struct

from files import REPO

from harness.html_report.gather import SECTIONS

README = (REPO / "README.md").read_text(encoding="utf-8")
GUIDE = (REPO / "docs" / "report.md").read_text(encoding="utf-8")
PICTURE = REPO / "docs" / "report.png"
MOST_BYTES = 150_000
# The PNG specification's number for a palette
PALETTE = 3


def test_the_picture_is_small_and_both_documents_show_it():
    content = PICTURE.read_bytes()
    width, height, _, colour = struct.unpack(">IIBB", content[16:26])
    assert content.startswith(b"\x89PNG") and content[12:16] == b"IHDR" and colour == PALETTE
    assert len(content) <= MOST_BYTES and width >= 1000 and height >= 600
    assert re.search(r"!\[[^]]{20,}\]\(docs/report\.png\)", README)
    assert re.search(r"!\[[^]]{20,}\]\(report\.png\)", GUIDE)


def test_the_guide_names_every_part_of_the_report():
    shown = set(re.findall(r"\| `#(\w+)` \|", GUIDE))
    assert not {module.__name__.rpartition(".")[2] for module in SECTIONS} - shown


def test_the_demo_ends_with_the_path_of_its_report():
    """`make demo` runs what prints this line (test_report_of_a_run.py)."""
    folder, report = re.findall(
        r"^The run is finished: (\S+)\nIts report, for a browser: (\S+)$", README, re.MULTILINE
    )[0]
    assert report == f"{folder}/report.html"
    assert "harness run --report\n" in (REPO / "Makefile").read_text(encoding="utf-8")
