"""The most that a run may spend, and what several runs that share it have spent.

Where several prices are in force (peak hours), the dearest counts. Written-to-cache tokens are priced as input.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.config.schema import RunConfig
from harness.cost.prices import Price, dated_prices, dearest, price_page, token_cost
from harness.cost.tables import dollars
from harness.datatypes import Attempt
from harness.engines.base import PromptSize
from harness.errors import ConfigError, error_prefix


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens, in and out, and US dollars (0 without prices)."""

    tokens: int = 0
    dollars: float = 0.0

    def __add__(self, other: Amount) -> Amount:
        """Both together."""
        return Amount(self.tokens + other.tokens, self.dollars + other.dollars)


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a run may spend (None: no limit), and the model's prices (none: dollars are not counted)."""

    dollars: float | None = None
    tokens: int | None = None
    prices: tuple[Price, ...] = ()

    def cost(self, attempt: Attempt) -> Amount:
        """What an attempt cost, by the dearest price of its day."""
        day = datetime.fromtimestamp(attempt.started_at, UTC).date()
        cached = min(attempt.cached_tokens, attempt.prompt_tokens)
        output = max(attempt.output_tokens, attempt.reasoning_tokens)
        price = dearest(self.prices, day)
        cost = 0.0 if price is None else token_cost(price, attempt.prompt_tokens - cached, cached, output)
        return Amount(attempt.prompt_tokens + output, cost)

    def worst(self, prompt_tokens: int, output_tokens: int) -> Amount:
        """What an attempt may cost at most, today."""
        price = dearest(self.prices, datetime.now(UTC).date())
        cost = 0.0 if price is None else token_cost(price, prompt_tokens, 0, output_tokens)
        return Amount(prompt_tokens + output_tokens, cost)

    @property
    def limited(self) -> bool:
        """Whether there is a limit."""
        return self.dollars is not None or self.tokens is not None

    def holds(self, amount: Amount) -> bool:
        """Whether so much may be spent."""
        within = self.tokens is None or amount.tokens <= self.tokens
        return within and (self.dollars is None or amount.dollars <= self.dollars)


def model_prices(config: RunConfig) -> tuple[Price, ...]:
    """The prices of the page `model.price`; none where no page is named. Raises UnknownName, ConfigError."""
    if config.model.price is None:
        return ()
    with error_prefix("model.price: "):
        return tuple(dated_prices(price_page(config.model.price)))


IDLE = "budget: --max-cost and --max-total-tokens limit requests to a server, and {} none; leave them out"


def budget_of(config: RunConfig, *, accountable: bool, shared: bool = False) -> Budget:
    """The budget that a config sets. `accountable`: the engine records what it spends; `shared`: other runs draw on it.

    Raises ConfigError for a limit that nothing would keep: an engine that spends nothing, a model without a price.
    """
    limits = config.budget
    if not accountable:
        if limits != type(limits)() and not shared:
            raise ConfigError(IDLE.format("this engine sends"))
        return Budget()
    prices = model_prices(config)
    if limits.max_cost is not None and dearest(prices, datetime.now(UTC).date()) is None:
        lacks = f"the price page {config.model.price!r} has none for today" if prices else "none is known"
        raise ConfigError(
            f"--max-cost needs the price of {config.model.name}, and {lacks}: name a page of configs/prices with "
            "--set model.price=NAME, or with `price` in the model's page (`harness cost list` lists the prices)"
        )
    return Budget(limits.max_cost, limits.max_total_tokens, prices)


class Spending:
    """What one run, or several that share a budget, have spent and set aside; safe from several threads.

    `ledgers` is the number of runs that draw on it.
    """

    def __init__(self) -> None:
        """Nothing is spent yet."""
        self._lock = threading.Lock()
        self._spent = Amount()
        self._in_flight = Amount()
        self._held = 0
        self.ledgers = 0

    @property
    def spent(self) -> Amount:
        """What was spent so far."""
        with self._lock:
            return self._spent

    @property
    def held(self) -> int:
        """The number of attempts for which something is set aside."""
        with self._lock:
            return self._held

    def join(self, spent: Amount) -> None:
        """Add a run, with what its earlier tries have spent."""
        with self._lock:
            self._spent += spent
            self.ledgers += 1

    def hold(self, budget: Budget, worst: Amount) -> bool:
        """Set aside the worst case of an attempt; False if the budget has no room for it now."""
        with self._lock:
            if not budget.holds(self._spent + self._in_flight + worst):
                return False
            self._in_flight += worst
            self._held += 1
            return True

    def settle(self, cost: Amount, held: Sequence[Amount] = ()) -> None:
        """Add what was spent, and release what was set aside for it."""
        with self._lock:
            self._spent += cost
            for amount in held:
                self._in_flight += Amount(-amount.tokens, -amount.dollars)
            self._held -= len(held)
            if not self._held:
                # No rounding adds up
                self._in_flight = Amount()


def refuse_too_small(budget: Budget, sizes: Iterable[PromptSize]) -> None:
    """Raise ConfigError where the budget cannot hold the largest of the requests, even alone."""
    worst = [budget.worst(most_tokens(size), size.max_new_tokens) for size in sizes]
    tokens = max((amount.tokens for amount in worst), default=0)
    if budget.tokens is not None and tokens > budget.tokens:
        raise ConfigError(
            f"--max-total-tokens {budget.tokens:,} cannot hold one request of the run, which may take {tokens:,}; "
            f"give at least {tokens}, and some more for the start probe"
        )
    cost = max((amount.dollars for amount in worst), default=0.0)
    if budget.dollars is not None and cost > budget.dollars:
        raise ConfigError(
            f"--max-cost {budget.dollars:g} cannot hold one request of the run, which may cost ${dollars(cost)}; "
            f"give at least {_rounded_up(cost)}, and some more for the start probe"
        )


def most_tokens(size: PromptSize) -> int:
    """The most tokens that a prompt may have."""
    return max(size.prompt_tokens or 0, size.most_prompt_tokens or 0)


def _rounded_up(value: float) -> str:
    """Dollars in two figures, never less than `value`."""
    digits = max(2, 1 - math.floor(math.log10(value)))
    return f"{math.ceil(value * 10**digits) / 10**digits:.{digits}f}"
