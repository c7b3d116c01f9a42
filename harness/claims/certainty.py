"""What is certain of exactly a benchmark's items once some of them are known: it overrules what was only likely."""

from __future__ import annotations

from collections.abc import Mapping

from harness.claims.verdict import Crossing


def certain_word(counted: int, left: int, needed: int) -> str:
    """`supported` or `refuted` if the items left cannot change whether `needed` of all count; else empty."""
    return "supported" if counted >= needed else "refuted" if counted + left < needed else ""


def overruling(certain: str, crossed: str, at: int) -> Crossing | None:
    """The certain word, from sample `at` on, where the bound that was reached first says the opposite; else None."""
    if crossed == "open" or certain in ("", crossed):
        return None
    return Crossing("refuted" if certain == "refuted" else "supported", at)


def certain_text(tasks: Mapping[str, bool]) -> str:
    """What settled a claim for certain; `tasks`: and whether each has a score for all its items."""
    names = ", ".join(tasks)
    if all(tasks.values()):
        return f"all items of {names} have a score, so that the result is exact"
    return f"the remaining items of {names} cannot change the result"
