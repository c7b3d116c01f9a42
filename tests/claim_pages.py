"""A claim of one score, for tests of how claims are judged."""

from __future__ import annotations

from typing import Any

from harness.claims.page import Claim


def a_claim(**changes: Any) -> Claim:
    """A claim that the model "a" reaches 0.75 on the task "t"; keys that are None are left out."""
    page: dict[str, Any] = {
        "id": "one",
        "quote": "q",
        "reading": "r",
        "source": {"url": "https://example.org", "kind": "press"},
        "subject": {"model": "a"},
        "test": {"metric": "accuracy", "tasks": ["t"], "about": "skill"},
        "relation": ">=",
        "threshold": 0.75,
    }
    return Claim.model_validate({key: value for key, value in (page | changes).items() if value is not None})
