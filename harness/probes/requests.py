"""Keys of a probe's requests: a hash of what is requested, so that a second try finds the answers of the first."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def request_key(test: str, *content: Any) -> str:
    """Return the key of a request of a test; equal content has an equal key."""
    text = json.dumps([test, *content], ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
