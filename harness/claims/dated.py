"""Price pages as dated prices: each row lasts until the next one of its hours begins."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.cost import Cell, Price, cells
from harness.config.claims import Claim
from harness.config.prices import price_pages


def prices_of(names: Sequence[str]) -> list[Price]:
    """Return all dated prices of the pages. Raises UnknownName, ConfigError."""
    found = []
    for page in price_pages(names):
        for at, row in enumerate(page.prices):
            later = [after.since for after in page.prices[at + 1 :] if after.hours == row.hours and after.since]
            until = row.until or (later[0] if later else None)
            found.append(Price(page.name, row.input, row.output, row.cached, row.since, until, row.hours))
    return found


def cells_of(claim: Claim) -> list[Cell]:
    """Return every cell of the subject's prices against the comparators'."""
    theirs = [price for party in claim.comparators for price in prices_of(party.prices)]
    return cells(prices_of(claim.subject.prices), theirs)
