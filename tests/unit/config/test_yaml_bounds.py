"""A page's size, depth and references are bounded, and each refusal names file and line."""

from __future__ import annotations

import pytest

from harness.config.yaml_page import parse_value, read
from harness.errors import ConfigError

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefghij", "bcdefghijk", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, r":5: its references multiply"),
        (BOMB + "? *k\n: 1\n", r":5: its references multiply"),
        ("a: &a '" + "x" * 100_000 + "'\nb: [" + ", ".join(["*a"] * 1000) + "]\n", r":2: its references multiply"),
        ("a: &a [*a]\n", r":1: a reference that holds itself"),
        ("a: &a {b: *a}\n", r":1: a reference that holds itself"),
        ("a:\n  b: " + "[" * 20_000 + "]" * 20_000, r":2: nested too deep"),
        ("a: " + "[x, " * 20_000, r":1: nested too deep"),
        ("".join(" " * depth + "a:\n" for depth in range(900)), r": nested (?:too|more than 50) deep"),
        ("a: x\n" * 200_000, "is longer than"),
        ("a: 2020-99-99\n", r":1: not valid YAML: month"),
        ("a: " + "9" * 6000 + "\n", r":1: not valid YAML: Exceeds"),
        ("a: !!int abc\n", r":1: not valid YAML"),
        ("a: {<<: 3}\n", r":1: not valid YAML"),
    ],
)
def test_a_page_that_is_too_much_is_refused(tmp_path, text, message):
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_honest_references_are_read(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("a: &a {x: 1}\nb: *a\nc: [*a, *a]\nd: {<<: *a, y: 2}\n")
    data = read(path).data
    assert data["b"] == {"x": 1} and data["c"] == [{"x": 1}] * 2 and data["d"] == {"x": 1, "y": 2}


@pytest.mark.parametrize("text", ["*x", "&a [*a]", "2020-99-99", "[[[", "[" * 3000, "9" * 5000])
def test_a_setting_that_is_no_yaml_stays_text(text):
    assert parse_value(text) == text
