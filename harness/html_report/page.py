"""Sections -> one HTML file, by Jinja2 templates that escape everything they are given.

The file holds its styles, its script and its data; it asks for nothing. A content security policy forbids it, and
every script but ours, so that even hostile text of a model that got through the escaping could load and run nothing.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.html_report.caveats import protocols_of
from harness.html_report.document import Material, Section
from harness.report.visible import visible, visible_line

TEMPLATES = Path(__file__).parent / "templates"
# A table that lays itself out at any width has the class `fits`
TABLE = re.compile(r"<table\b(?P<attributes>[^>]*)>.*?</table>", re.DOTALL)
FITS = re.compile(r"""class=["'][^"']*\bfits\b""")
CAPTION = re.compile(r"<caption(?P<id> id=\"[^\"]+\")?")


def render(material: Material, sections: Sequence[Section], *, title: str) -> str:
    """Return the page; equal arguments give equal text.

    Text of runs and models is escaped, and characters that hide or reorder are made visible.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["line"] = visible_line
    environment.filters["block"] = visible
    environment.filters["scrolling"] = scrolling
    script = _own("page.js")
    return environment.get_template("page.html").render(
        title=title,
        facts=(*_facts(material), f"{material.made:%Y-%m-%d}"),
        made=f"{material.made:%Y-%m-%d %H:%M %Z}".rstrip(),
        version=version("harness"),
        material=material,
        sections=sections,
        style=_styles(),
        script=script,
        policy=_policy(script),
    )


def scrolling(html: str, section: str) -> Markup:
    """Give each table a place, named by its caption, in which it scrolls where it is too wide, by keyboard too.

    `html` is a section's page text, already escaped: a `<table` in it is ours.
    """
    number = 0

    def placed(found: re.Match[str]) -> str:
        nonlocal number
        if FITS.search(found["attributes"]):
            return found[0]
        number += 1
        name = f"{section}-table-{number}"
        table, captions = CAPTION.subn(lambda caption: _named(caption, name), found[0], count=1)
        own = CAPTION.search(table)
        label = f'aria-labelledby="{own["id"][5:-1]}"' if captions and own else f'aria-label="Table {number}"'
        return f'<div class="table-place" role="group" tabindex="0" {label}>{table}</div>'

    return Markup(TABLE.sub(placed, html))


def _named(caption: re.Match[str], name: str) -> str:
    return caption[0] if caption["id"] else f'<caption id="{name}"'


def _facts(material: Material) -> tuple[str, ...]:
    uses = {use.label: (page, (*use.protocol.values(),)) for page, use in protocols_of(material.runs)}
    counted = {
        "run": len(material.runs),
        "task": len({uses[task][0] if task in uses else task for task in material.tasks}),
        "protocol": len({protocol for _, protocol in uses.values()}),
        "claim": len(material.verdicts),
    }
    return tuple(f"{count} {noun}{'s' if count > 1 else ''}" for noun, count in counted.items() if count)


def _policy(script: str) -> str:
    """Nothing may be loaded; of scripts only ours runs, known by its hash."""
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _styles() -> Markup:
    """The page's rules, then those of the sections that have some of their own."""
    own = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.glob("sections/*.css"))
    return Markup("\n").join(_own(name) for name in ("page.css", *own))


def _own(name: str) -> Markup:
    """A file of ours, which needs no escaping."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))
