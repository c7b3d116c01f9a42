"""A budget as people write it: `20$`, `$20`, `2h`, `2h30m`, `90m`, `1.5M tokens`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from harness.errors import ConfigError

Unit = Literal["dollars", "seconds", "tokens"]
NUMBER = r"(\d+(?:\.\d+)?|\.\d+)"
SCALES = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}
SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "min": 60, "s": 1}
MONEY = re.compile(rf"(?:\$\s*{NUMBER}|{NUMBER}\s*(?:\$|usd|dollars?))", re.IGNORECASE)
TOKENS = re.compile(rf"{NUMBER}\s*([kmb]?)\s*(?:tokens?|tok)", re.IGNORECASE)
SPAN = re.compile(rf"{NUMBER}\s*(d|h|min|m|s)", re.IGNORECASE)
SPANS = re.compile(r"(?:[\d.]+\s*(?:d|h|min|m|s)\s*)+", re.IGNORECASE)
EXAMPLES = "write it as 20$, 2h, 2h30m, 90m or '1.5M tokens'"


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that a plan may use: US dollars, seconds, or tokens in and out."""

    amount: float
    unit: Unit
    text: str


def read_limit(text: str) -> Limit:
    """Read a budget. Raises ConfigError for one that has no unit, an unknown one, or is 0."""
    given = text.strip().replace(",", "")
    amount, unit = _read(given, text)
    if amount <= 0:
        raise ConfigError(f"--budget {text}: is nothing; give more than 0")
    return Limit(amount, unit, text.strip())


def _read(given: str, text: str) -> tuple[float, Unit]:
    if match := MONEY.fullmatch(given):
        return float(match[1] or match[2]), "dollars"
    if match := TOKENS.fullmatch(given):
        return float(match[1]) * SCALES[match[2].lower()], "tokens"
    parts = SPAN.findall(given)
    if parts and SPANS.fullmatch(given):
        units = [unit.lower() for _, unit in parts]
        if len(set(units)) == len(units):
            return sum(
                float(number) * SECONDS[unit] for number, unit in zip((n for n, _ in parts), units, strict=True)
            ), "seconds"
    if re.fullmatch(NUMBER, given):
        raise ConfigError(f"--budget {text}: of what? {EXAMPLES}")
    if re.search(r"[€£¥]|\b(?:eur|gbp|cny|jpy)\b", given, re.IGNORECASE):
        raise ConfigError(f"--budget {text}: prices are in US dollars here: convert it, as in 20$")
    raise ConfigError(f"--budget {text}: not a budget; {EXAMPLES}")


def shown(amount: float, unit: Unit) -> str:
    """An amount of a unit in a few characters."""
    from harness.cost.tables import dollars

    if unit == "dollars":
        return f"${dollars(amount)}"
    return time_text(amount) if unit == "seconds" else f"{tokens_text(amount)} tokens"


def time_text(seconds: float) -> str:
    """`42 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 9.5 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def tokens_text(tokens: float) -> str:
    """`920`, `14.2k`, `1.50M`."""
    if tokens < 10_000:
        return f"{tokens:.0f}"
    return f"{tokens / 1000:.1f}k" if tokens < 999_950 else f"{tokens / 1e6:.2f}M"
