"""Price pages: what a token of a model costs, since when, by which source. One file per model in `configs/prices/`.

Guarantees: every price has its source and the day on which the source showed it; the first day of a price
stays unknown where no source states it. Prices are list prices of their dates, not offers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field, model_validator

from harness.config import pages
from harness.config.checking import check
from harness.config.section import Name, Section
from harness.config.yaml_page import read
from harness.errors import ConfigError, UnknownName

KIND = "configs/prices"
MILLION = 1_000_000
Hours = Literal["all", "peak", "off_peak"]


@dataclass(frozen=True, slots=True)
class Price:
    """One model's price from `since` until before `until` (None: not known, or not ended), at these hours.

    `input`, `cached` and `output` are for a million tokens; without `cached`, cached tokens cost as much as others.
    """

    name: str
    input: float
    output: float
    cached: float | None = None
    since: date | None = None
    until: date | None = None
    hours: Hours = "all"

    def in_force(self, day: date) -> bool:
        """Whether it was the price on this day, as far as its dates tell."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


class PriceRow(Section):
    """US dollars for a million tokens: uncached input, input from the provider's cache (`cached`), output.

    `since` and `until` are the first day and the day after the last, where the source states them; without `until` a
    price ends with the page's next one for the same hours. `seen` is the day on which `source` showed it.
    """

    since: date | None = None
    until: date | None = None
    hours: Hours = "all"
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


def dated_prices(page: PricePage) -> list[Price]:
    """Return a page's prices; each lasts until the next one of its hours begins, unless the page says until when."""
    found = []
    for at, row in enumerate(page.prices):
        later = [after.since for after in page.prices[at + 1 :] if after.hours == row.hours and after.since]
        until = row.until or (later[0] if later else None)
        found.append(Price(page.name, row.input, row.output, row.cached, row.since, until, row.hours))
    return found


def token_cost(price: Price, fresh: float, cached: float, output: float) -> float:
    """US dollars for uncached input, cached input and output tokens: counts, or means of an answer."""
    per_cached = price.input if price.cached is None else price.cached
    return (fresh * price.input + cached * per_cached + output * price.output) / MILLION


def dearest(prices: Sequence[Price], day: date) -> Price | None:
    """The highest price of each kind of token that is in force on a day, as one price; None where none is in force."""
    current = [price for price in prices if price.in_force(day)]
    if not current:
        return None
    cached = max(price.input if price.cached is None else price.cached for price in current)
    first = max(current, key=lambda price: (price.input, price.output))
    return replace(
        first,
        input=max(price.input for price in current),
        output=max(price.output for price in current),
        cached=cached,
    )
