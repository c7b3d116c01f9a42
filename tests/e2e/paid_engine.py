"""An engine plug-in that is paid by the token and needs no server, for tests: module text and its installation."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

PAID_ENGINE = '''
import time

from harness.datatypes import Attempt, Completion, Served
from harness.engines.base import Capabilities, EngineFacts, PromptSize
from harness.errors import EngineError


class Paid:
    """Answers each sum rightly with 4 tokens for a prompt of 100 tokens, 40 of them cached."""

    def __init__(self, options):
        self.options = options
        self.sent = []
        self.loaded = False

    def capabilities(self):
        return Capabilities(answers_by="prompt", concurrency=4)

    def facts(self):
        server = {
            "model": self.options.get("served", "m"),
            "fingerprint": self.options.get("fingerprint", "f1"),
            "dialect": {"sampler": self.options.get("sampler", {"top_k": 0})},
        }
        return EngineFacts("paid", "paid-model", "text", server=server if self.loaded else {})

    def check(self, requests):
        pass

    def measure(self, request):
        return PromptSize(100, 0, request.sampling.max_tokens, "a prompt", estimated=True)

    def ready(self):
        """Send at any time."""

    def account_to(self, ledger, waiting):
        self.ledger, self.waiting = ledger, waiting

    def load(self):
        assert self.ledger.reserve("", 10, 1)
        self._spend("", 10, 1)
        self.loaded = True

    def _spend(self, key, prompt, output, outcome="answered", kept=True):
        cached = 40 if prompt > 40 else 0
        tokens = (prompt, cached, 0, output, 2 * bool(key))
        self.ledger.record(Attempt(key, "http://paid/v1", time.time(), 0.1, outcome, kept, 200, *tokens))

    def _answer(self, request):
        first, second = request.prompt.text.rstrip(" =").split(" + ")
        self._spend(request.key, 100, 4)
        text = f" {int(first) + int(second)}"
        return Completion(request.key, text, "stop", 100, 4, 40, seconds=0.1, served=Served(0.1))

    def stream(self, requests):
        self.pending = list(requests)
        while self.pending:
            if len(self.sent) == self.options.get("interrupted_at"):
                raise KeyboardInterrupt
            if len(self.sent) == self.options.get("fails_at"):
                raise EngineError("the server is gone; run again to go on")
            request = self.pending.pop(0)
            if not self.ledger.reserve(request.key, 100, request.sampling.max_tokens):
                raise EngineError(self.ledger.exhausted())
            self.waiting("waiting 12 s for the server (429 x3)")
            self.waiting("")
            self.sent.append(request.key)
            yield self._answer(request)

    def in_flight(self):
        return min(len(self.pending), self.options.get("in_flight", 0))

    def finish_in_flight(self, seconds):
        if self.options.get("interrupted_again"):
            raise KeyboardInterrupt
        for request in self.pending[: self.options.get("in_flight", 0)]:
            yield self._answer(request)

    def close(self):
        pass


def build(spec, options):
    return Paid(options)
'''
PRICE_PAGE = """\
name: mine
about: A price of my own.
prices:
  - since: 2026-01-01
    input: 1000
    cached: 100
    output: 5000
    seen: 2026-01-02
    source: a receipt
"""


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `--engine paid` and the price page `./mine.yaml` known in a test's folder."""
    package = folder / "site"
    info = package / "paid-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: paid\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[harness.engine]\npaid = paid_engine_module\n")
    (package / "paid_engine_module.py").write_text(PAID_ENGINE)
    monkeypatch.syspath_prepend(package)
    monkeypatch.delitem(sys.modules, "paid_engine_module", raising=False)
    (folder / "mine.yaml").write_text(PRICE_PAGE)
