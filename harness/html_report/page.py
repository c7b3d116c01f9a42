"""Sections -> one HTML file, by Jinja2 templates that escape everything they are given.

The file holds its styles, its script and its data; it asks for nothing (a content security policy forbids it, so that
even hostile text of a model could load nothing).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.html_report.document import Material, Section
from harness.report.visible import visible, visible_line

TEMPLATES = Path(__file__).parent / "templates"


def render(material: Material, sections: Sequence[Section], *, title: str) -> str:
    """Return the page. Text of runs and models is escaped, and characters that hide or reorder are made visible."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["line"] = visible_line
    environment.filters["block"] = visible
    return environment.get_template("page.html").render(
        title=title,
        material=material,
        sections=sections,
        style=_own("page.css"),
        script=_own("page.js"),
    )


def _own(name: str) -> Markup:
    """A file of ours, which needs no escaping."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))
