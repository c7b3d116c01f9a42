"""Price pages: what a token of a model costs, since when, and who says so. One file a model in `configs/prices/`.

Guarantees: every price has its source and the day on which the source showed it; a price without a known first day has
none, and is not given one. Prices are lists of their days, not offers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field, model_validator

from harness.config import pages
from harness.config.checking import check
from harness.config.schema import Name, Section
from harness.config.yaml_page import read
from harness.errors import ConfigError, UnknownName

KIND = "configs/prices"


class PriceRow(Section):
    """US dollars for a million tokens: read anew (`input`), read from the provider's cache (`cached`), written.

    `since` and `until` are the first day and the day after the last, where the source tells; without `until` a price
    ends with the page's next one for the same hours. `seen` is the day on which `source` showed it.
    """

    since: date | None = None
    until: date | None = None
    hours: Literal["all", "peak", "off_peak"] = "all"
    input: float = Field(gt=0, strict=False)
    cached: float | None = Field(None, ge=0, strict=False)
    output: float = Field(gt=0, strict=False)
    seen: date
    source: str = Field(min_length=1)
    note: str = ""

    @model_validator(mode="after")
    def _holds(self) -> PriceRow:
        if self.cached is not None and self.cached > self.input:
            raise ValueError("`cached` costs more than `input`; are they swapped?")
        if self.since and self.until and self.until <= self.since:
            raise ValueError("`until` is not after `since`")
        return self


class PricePage(Section):
    """One model's prices, oldest first; `peak_hours` says when `hours: peak` is."""

    name: Name
    about: str
    peak_hours: str = ""
    prices: list[PriceRow] = Field(min_length=1)

    @model_validator(mode="after")
    def _agree(self) -> PricePage:
        if bool(self.peak_hours) != any(row.hours != "all" for row in self.prices):
            raise ValueError("`peak_hours` goes with prices by hours, and only with them")
        if twice := [row for row, count in Counter((row.since, row.hours) for row in self.prices).items() if count > 1]:
            raise ValueError(f"two prices since {twice[0][0]} for the same hours; keep one")
        known = [row.since for row in self.prices if row.since]
        if known != sorted(known):
            raise ValueError("prices are written oldest first")
        return self


def price_page(name: str) -> PricePage:
    """Load a page by name or file. Raises UnknownName, or ConfigError with file, line and key."""
    page = read(pages.find(KIND, "price page", name, "harness cost list"))
    found = check(PricePage, page)
    if found.name != page.path.stem:
        raise ConfigError(f"{page.where(('name',))}name is {found.name!r}, but the file is {page.path.name}")
    return found


def price_pages(names: Sequence[str]) -> list[PricePage]:
    """Load pages by name, file or pattern (`deepseek-v4*`), each once, in the order given. Raises as `price_page`."""
    found: dict[str, PricePage] = {}
    for name in names:
        known = pages.index(KIND)
        matching = [one for one in known if fnmatchcase(one, name)] if any(sign in name for sign in "*?[") else [name]
        if not matching:
            raise UnknownName("price page", name, known, listing="harness cost list")
        for one in matching:
            page = price_page(one)
            found.setdefault(page.name, page)
    return list(found.values())
