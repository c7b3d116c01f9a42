"""Run folders and claims -> the file of the report."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from harness.claims.runs import Given
from harness.claims.verdict import Verdict
from harness.errors import UserError, unwritable
from harness.html_report.document import Material
from harness.html_report.gather import sections
from harness.html_report.page import render
from harness.html_report.reading import read_runs


def write_report(
    out: Path,
    given: Given,
    claims: Sequence[str] = (),
    *,
    title: str = "",
    with_records: bool = True,
    margin: float | None = None,
    made: datetime | None = None,
) -> Path:
    """Write the report of the given runs, and of claims (an id, a page, a file) judged by them; return its path.

    `margin`: the difference of scores, between 0 and 1, that still counts as equal; `made`: its date, by default now.
    Raises RunFolderError, UserError and ConfigError as `check_claims` and `read_runs` do; UserError or
    StorageError where the file cannot be written.
    """
    if margin is not None and not 0 < margin < 1:
        raise UserError(f"--margin {margin:g}: give a difference of scores between 0 and 1, such as 0.02")
    runs = read_runs([*given.runs, *given.subject, *given.comparators])
    verdicts = _verdicts(claims, given) if claims else ()
    material = Material(
        runs,
        verdicts,
        tuple(sys.argv),
        with_records=with_records,
        allow_protocol=given.allow_protocol,
        margin=margin,
        made=made or datetime.now(UTC),
    )
    text = render(material, sections(material), title=title or material.title)
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unwritable(out, error) from None
    return out


def _verdicts(claims: Sequence[str], given: Given) -> tuple[Verdict, ...]:
    # Loads the engines, which a report without a claim does not need
    from harness.claims.check import check_claims

    return tuple(verdict for claim in claims for verdict in check_claims(claim, given))
