"""Heat maps of all pairs: a class of colour for the evidence and its direction, and a sign that says the same."""

from __future__ import annotations

from dataclasses import dataclass

# Adjusted p at or below which a cell has this strength, strongest first
STRENGTHS = ((0.001, 3), (0.01, 2), (0.05, 1))


@dataclass(frozen=True, slots=True)
class Shade:
    """A class of the page's styles, and marks for those who do not see colours: one more for each strength."""

    css: str
    marks: str


BLANK = Shade("", "")


def shade(difference: float, p: float) -> Shade:
    """Return the look of a cell: `difference` is row minus column, `p` adjusted; not shown at 5 %: no colour."""
    strength = next((step for limit, step in STRENGTHS if p <= limit), 0)
    if not strength or not difference:
        return BLANK
    return Shade(f"{'up' if difference > 0 else 'down'}{strength}", ("+" if difference > 0 else "−") * strength)
