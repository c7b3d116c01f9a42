"""The seed of one request, for every engine that samples."""

from __future__ import annotations

import hashlib


def own_seed(seed: int, key: str) -> int:
    """Return a seed of the request's own (0 to 2**63 - 1), so that its text does not depend on its neighbours."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:8], "big") >> 1
