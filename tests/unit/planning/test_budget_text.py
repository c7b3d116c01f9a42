"""A budget as people write it."""

from __future__ import annotations

import pytest

from harness.errors import ConfigError
from harness.planning.budget import read_limit


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("20$", 20, "dollars"),
        ("$20", 20, "dollars"),
        ("1.50 USD", 1.5, "dollars"),
        ("$1,000", 1000, "dollars"),
        ("2h", 7200, "seconds"),
        ("2h30m", 9000, "seconds"),
        ("2 h 30 min", 9000, "seconds"),
        ("90m", 5400, "seconds"),
        ("45s", 45, "seconds"),
        ("1.5M tokens", 1_500_000, "tokens"),
        ("200k tokens", 200_000, "tokens"),
        ("900 tokens", 900, "tokens"),
    ],
)
def test_money_time_and_tokens_are_read(text: str, amount: float, unit: str):
    limit = read_limit(text)
    assert (limit.amount, limit.unit) == (amount, unit)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("20", "of what?"),
        ("20€", "US dollars"),
        ("20 EUR", "US dollars"),
        ("20 bananas", "not a budget"),
        ("2h2h", "not a budget"),
        ("h", "not a budget"),
        ("", "not a budget"),
        ("0$", "is nothing"),
        ("-5$", "not a budget"),
    ],
)
def test_anything_else_is_refused_with_how_to_write_it(text: str, said: str):
    with pytest.raises(ConfigError, match="--budget") as error:
        read_limit(text)
    assert said in str(error.value)
