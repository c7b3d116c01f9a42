"""Colours of the report: contrast by WCAG's formula, and distances between series as the colour-blind see them."""

from __future__ import annotations

import itertools
import math
import re

import pytest

from harness.html_report.page import TEMPLATES

SERIES = [f"s{number}" for number in range(8)]
TEXT = ["ink", "muted", "link", "better", "worse", "warn"]
# Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB
VISIONS = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}


def schemes() -> dict[str, dict[str, tuple[float, ...]]]:
    """The colours of each scheme, as linear RGB."""
    css = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root\{([^}]*--paper[^}]*)\}", css)
    return {"light": colours(light), "dark": colours(dark)}


def colours(block: str) -> dict[str, tuple[float, ...]]:
    found = {}
    for name, digits in re.findall(r"--(\w+):#([0-9a-f]{3,6})", block):
        full = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
        found[name] = tuple(linear(int(full[place : place + 2], 16) / 255) for place in (0, 2, 4))
    return found


def linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def luminance(colour: tuple[float, ...]) -> float:
    return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def seen_by(colour: tuple[float, ...], vision: str) -> tuple[float, float, float]:
    """CIELAB of a colour as people of this vision see it."""
    red, green, blue = (
        min(1.0, max(0.0, sum(weight * part for weight, part in zip(row, colour, strict=True))))
        for row in VISIONS[vision]
    )
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    a, b, c = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return 116 * b - 16, 500 * (a - b), 200 * (b - c)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_marks_have_contrast(scheme):
    found = schemes()[scheme]
    for ground in ("paper", "panel"):
        for name in TEXT:
            assert contrast(found[name], found[ground]) >= 4.5, (name, ground)
        for name in [*SERIES, "rule", "focus"]:
            assert contrast(found[name], found[ground]) >= 3, (name, ground)


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_series_are_told_apart(scheme, vision):
    """A CIELAB distance of 20: well beyond what an eye needs for marks that do not touch."""
    found = schemes()[scheme]
    for one, other in itertools.combinations(SERIES, 2):
        assert math.dist(seen_by(found[one], vision), seen_by(found[other], vision)) >= 20, (one, other)
    distance = math.dist(seen_by(found["better"], vision), seen_by(found["worse"], vision))
    assert distance >= 20
