"""The requests of one run folder to its server: what they cost, and whether the budget has room for another.

Guarantees: what was spent, with the worst case of every request in flight, never exceeds the budget, as far as prices
and token counts are right; the start probe is counted, and may exceed it by its dozen small requests. Earlier tries in
the same run folder count.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from harness.cost.budget import Amount, Budget, Spending, most_tokens, refuse_too_small
from harness.cost.tables import dollars
from harness.datatypes import Attempt
from harness.engines.base import PromptSize
from harness.errors import EngineError
from harness.store import attempts
from harness.store.attempts import ATTEMPTS, AttemptLog


class RunLedger:
    """The attempts of one run folder, as `engines.base.Ledger` wants it; safe from several threads."""

    def __init__(self, folder: Path, budget: Budget, spending: Spending | None = None) -> None:
        """Read what earlier tries have spent; `spending` is that of all runs which share the budget's limits.

        Raises RunFolderError for a damaged file, StorageError.
        """
        self._budget = budget
        self._lock = threading.Lock()
        path = folder / ATTEMPTS
        # First the file, which drops a line that a kill left incomplete
        self._log = AttemptLog(path)
        self._spending = spending or Spending()
        earlier = Amount()
        for attempt in attempts.read(path):
            earlier += budget.cost(attempt)
        self._spending.join(earlier)
        # Worst cases in flight, by key: the start probe's attempts share one
        self._reserved: dict[str, list[Amount]] = {}
        self._refused = Amount()

    @property
    def spent(self) -> Amount:
        """What all attempts so far have cost, of earlier tries and of runs that share the budget too."""
        return self._spending.spent

    def require_room(self, sizes: Sequence[PromptSize]) -> None:
        """Refuse a run for whose requests the budget has no room: then not even the start probe is sent.

        Raises ConfigError where the largest request does not fit alone, EngineError where earlier tries have used so
        much that the smallest does not fit.
        """
        if not self._budget.limited or not sizes:
            return
        refuse_too_small(self._budget, sizes)
        worst = [self._budget.worst(most_tokens(size), size.max_new_tokens) for size in sizes]
        least = Amount(min(one.tokens for one in worst), min(one.dollars for one in worst))
        if not self._budget.holds(self._spending.spent + least):
            with self._lock:
                self._refused = least
            raise EngineError(self._stopped())

    def reserve(self, key: str, prompt_tokens: int, output_tokens: int) -> bool:
        """Set aside the worst case of one attempt; False if the budget has no room for it now."""
        worst = self._budget.worst(prompt_tokens, output_tokens)
        with self._lock:
            if not self._spending.hold(self._budget, worst):
                self._refused = worst
                return False
            self._reserved.setdefault(key, []).append(worst)
            return True

    def record(self, attempt: Attempt) -> None:
        """Write an attempt down, and release what was set aside for its key. Raises StorageError."""
        cost = self._budget.cost(attempt)
        with self._lock:
            amounts = self._reserved.get(attempt.key, [])
            released = [amounts.pop()] if amounts else []
            if not amounts:
                self._reserved.pop(attempt.key, None)
            self._spending.settle(cost, released)
        self._log.append(attempt)

    def exhausted(self) -> str:
        """Why `reserve` refuses: what was spent of what, and how to go on.

        "" where requests of another run hold the room, or have just left it.
        """
        spending, budget = self._spending, self._budget
        with self._lock:
            own, next_one = sum(map(len, self._reserved.values())), self._refused
        others, spent = spending.held > own, spending.spent
        if others or (spending.ledgers > 1 and not own and budget.holds(spent + next_one)):
            return ""
        return self._stopped()

    def close(self) -> None:
        """Release what is still set aside; sync and close the file. Safe to call twice."""
        with self._lock:
            left = [amount for amounts in self._reserved.values() for amount in amounts]
            self._reserved.clear()
            self._spending.settle(Amount(), left)
        self._log.close()

    def _stopped(self) -> str:
        spent, next_one, budget = self._spending.spent, self._refused, self._budget
        if budget.dollars is not None and spent.dollars + next_one.dollars > budget.dollars:
            return (
                f"stopped at ${dollars(spent.dollars)} of ${dollars(budget.dollars)}; the next request may cost "
                f"${dollars(next_one.dollars)}; run again with a larger --max-cost to go on"
            )
        return (
            f"stopped at {spent.tokens:,} of {budget.tokens or 0:,} tokens; the next request may take "
            f"{next_one.tokens:,}; run again with a larger --max-total-tokens to go on"
        )
