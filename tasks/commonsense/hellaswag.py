"""HellaSwag's scenes as lm-evaluation-harness shows them: without the marks that WikiHow's articles left in."""

from __future__ import annotations

import re
from typing import Any


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `query`, the scene so far, and `shown_endings`."""
    scene = f"{row['activity_label']}: {row['ctx_a']} {row['ctx_b'].capitalize()}"
    return {**row, "query": tidied(scene), "shown_endings": [tidied(ending) for ending in row["endings"]]}


def tidied(text: str) -> str:
    """Drop "[title]", "[step]" and other marks; two blanks become one, once (of three, two are left, as there)."""
    text = text.strip().replace(" [title]", ". ")
    return re.sub(r"\[.*?\]", "", text).replace("  ", " ")
