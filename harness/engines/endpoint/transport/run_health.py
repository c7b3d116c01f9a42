"""When a run with a server cannot go on, from the outcomes of its attempts and calls. No network here."""

from __future__ import annotations

import re

from harness.engines.endpoint.wire import Fault
from harness.errors import ConfigError, EngineError, HarnessError

# A refused body is the run's own mistake if it comes twice within so many outcomes
FIRST_OUTCOMES = 5
LEAST_FAILED = 5
# Faults of a sample, not of the server: any number of them may come
OF_THE_SAMPLE = frozenset({"context_overflow", "filtered"})
RESUME = "the answers so far are kept; run the same command again to resume"


class RunHealth:
    """Counts what became of one stream of calls. Times are in seconds of the caller's clock."""

    def __init__(self, calls: int, max_failed: float, stall_seconds: float, now: float, keyed: bool = True) -> None:
        """`max_failed` is the share of `calls` that may fail; `stall_seconds` may pass without one success.

        `keyed`: the server gets a key.
        """
        self._keyed = keyed
        self._calls = calls
        self._max_failed = max_failed
        self._stall_seconds = stall_seconds
        self._alive_at = now
        self._faults_since = 0
        self._outcomes = 0
        self._failed = 0
        self._refused: list[tuple[str, str]] = []
        self.successes = 0

    def heard(self, now: float) -> None:
        """A part of an answer came: the server is at work."""
        self._alive_at = now

    def answered(self, now: float) -> None:
        """A call has its answer."""
        self.successes += 1
        self._outcomes += 1
        self._alive_at = now
        self._faults_since = 0

    def fault(self, fault: Fault, now: float, in_flight: int) -> HarnessError | None:
        """An attempt failed; return the error that ends the run, if it does."""
        if fault.kind == "refused_key":
            return refused_key(fault, self._keyed)
        if fault.kind == "no_model":
            return ConfigError(
                f"the server does not have this model: {_said(fault)}; see --model and --endpoint (engine.url)"
            )
        if fault.kind == "quota":
            return EngineError(f"the account has no credit or quota left: {_said(fault)}; {RESUME}")
        if not fault.retry:
            return None
        self._faults_since += 1
        silent = now - self._alive_at
        # Requests that still run may yet succeed; as long as most of them do, the server is not dead
        stalled = silent >= self._stall_seconds and self._faults_since > in_flight
        if stalled or (fault.wait is not None and fault.wait > self._stall_seconds):
            wait = f" (it asks to wait {fault.wait:.0f} s)" if fault.wait is not None else ""
            return EngineError(
                f"no answer for {silent:.0f} s, {self._faults_since} attempts failed, the last with: "
                f"{_said(fault)}{wait}; {RESUME}"
            )
        return None

    def failed(self, fault: Fault) -> HarnessError | None:
        """A call was given up; return the error that ends the run, if it does."""
        self._outcomes += 1
        if fault.kind in OF_THE_SAMPLE:
            return None
        if fault.kind == "bad_request" and self._outcomes <= FIRST_OUTCOMES:
            refused = _same_kind(fault)
            if refused in self._refused:
                return ConfigError(f"the server refuses the requests: {_said(fault)}; {_change(fault)}")
            self._refused.append(refused)
        self._failed += 1
        if self._failed >= LEAST_FAILED and self._failed > self._max_failed * self._calls:
            return EngineError(
                f"{self._failed} of {self._calls} calls failed, more than engine.max_failed allows "
                f"({self._max_failed:g}); the last with: {_said(fault)}; {RESUME}"
            )
        return None


def refused_key(fault: Fault, keyed: bool) -> ConfigError:
    """The error for a refused key. `keyed`: the server got one."""
    if keyed:
        return ConfigError(
            f"the server refuses the API key: {_said(fault)}; check the variable that holds it, or engine.key_env"
        )
    return ConfigError(
        f"the server wants an API key, and none was sent: {_said(fault)}; "
        "set engine.key_env to the variable that holds the key"
    )


def _said(fault: Fault) -> str:
    # The full stop of a sentence, not the dots of a message that was cut
    message = re.sub(r"(?<!\.)\.$", "", fault.message)
    return f"{fault.status}: {message}" if fault.status not in (None, 200) else message


def _same_kind(fault: Fault) -> tuple[str, str]:
    """What two refusals have in common, whatever numbers and quoted names are in their texts."""
    return fault.parameter or "", re.sub(r"\d+|'[^']*'|\"[^\"]*\"", "_", fault.message)


def _change(fault: Fault) -> str:
    name = fault.parameter or ""
    if name in ("temperature", "top_p", "top_k", "min_p"):
        return f"change it with --set tasks.NAME.sampling.{name}=..."
    if name in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
        return "change it with --set tasks.NAME.sampling.max_tokens=..."
    if name:
        return f"the field is {name!r}: see engine.extra_body and the task's settings"
    return "see engine.extra_body and the task's settings"
