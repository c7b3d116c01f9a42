"""The way of an endpoint engine to its servers: the pool over HTTP, and the start probe through it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.engines.base import Ledger
from harness.engines.endpoint.opening import Target
from harness.engines.endpoint.probe.needs import ProbeNeeds, missing
from harness.engines.endpoint.sending import Pool
from harness.engines.endpoint.server import ServerFacts
from harness.engines.endpoint.wire import Dialect, Wire
from harness.errors import ConfigError

if TYPE_CHECKING:
    from harness.engines.endpoint.transport.pool import HttpPool


class HttpConnection:
    """One model on one or several servers of the same protocol."""

    def __init__(self, target: Target, wire: Wire) -> None:
        """Opens nothing."""
        self._target = target
        self._wire = wire

    def open(self, ledger: Ledger | None, waiting: Callable[[str], None] | None) -> HttpPool:
        """Open the pool. Sends nothing."""
        from harness.engines.endpoint.transport.pool import HttpPool

        target = self._target
        return HttpPool(
            target.servers.urls,
            self._wire,
            target.model,
            target.options,
            target.servers.key,
            dialect=self._dialect(),
            ledger=ledger,
            waiting=waiting,
        )

    def probe(self, pool: Pool, needs: ProbeNeeds) -> ServerFacts:
        """Find out what the server does; the pool uses it from then on.

        Raises ConfigError where the server lacks what is needed, EngineError where it does not answer.
        """
        from harness.engines.endpoint.probe.start import probe

        target = self._target
        facts = probe(
            pool,
            self._wire.name,
            target.model,
            target.options,
            needs,
            dialect=self._dialect(),
            urls=target.servers.urls,
        )
        if (fault := missing(facts, needs)) is not None:
            raise ConfigError(fault)
        return facts

    def inspect(self, pool: Pool, ids: tuple[int, ...]) -> ServerFacts:
        """Find out everything about the server. Raises as `probe` does, but refuses nothing that a task may need."""
        from harness.engines.endpoint.probe.inspect import inspect_server

        target = self._target
        return inspect_server(
            pool,
            self._wire.name,
            target.model,
            target.options,
            way=target.way,
            ids=ids,
            urls=target.servers.urls,
        )

    def _dialect(self) -> Dialect:
        """What the options fix. With our own template its options are used here and not sent."""
        options = self._target.options
        template_options = {} if self._target.way == "exact" else dict(options.template_options)
        return Dialect(extra=dict(options.extra_body), template_options=template_options)
