"""A manifest that lacks a key, or holds another kind of value, is one line with file and key, exit 2, everywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CLAIM = """\
name: c
about: Additions.
claims:
  - id: c1
    quote: "at least 60 % of additions"
    reading: "at least 60 %"
    source: {url: "https://example.org", kind: press}
    subject: {model: adder}
    test: {metric: accuracy, tasks: [sums]}
    relation: ">="
    threshold: 0.6
"""
RUN = ("run", "--engine", "scripted", "--completions", "answers.jsonl", "--tasks", "./sums.yaml", "--model", "adder")
COMMANDS = (
    ("claim", "check", "./c.yaml", "a"),
    ("compare", "a", "b"),
    ("compare", "b", "a"),
    ("cost", "a"),
    ("rescore", "a"),
    (*RUN, "--out", "a"),
)
MISSING = (
    "schema",
    "run_id",
    "identity",
    "identity.tasks",
    "identity.model",
    "identity.engine",
    "identity.model.name",
    "identity.engine.style",
    "identity.tasks.sums.page",
    "identity.tasks.sums.page.metric",
    "identity.tasks.sums.page.sampling.max_tokens",
    "identity.tasks.sums.shots",
    "config.model.name",
    "config.suite",
    "engine.style",
    "tasks.sums",
    "tasks.sums.total",
    "command",
    "status",
)


@pytest.fixture
def manifest(cli: Callable, sums: Path, sums_answers: Path, tmp_path: Path) -> Path:
    """The manifest of run `a`, beside an equal run `b` and a claim about both."""
    (tmp_path / "c.yaml").write_text(CLAIM, encoding="utf-8")
    for name in ("a", "b"):
        assert cli(*RUN, "--out", name).code == 0
    return tmp_path / "a" / "manifest.json"


def change(path: Path, dotted: str, value: Any = None) -> None:
    """Take a key away, or give it another value."""
    whole = section = json.loads(path.read_text(encoding="utf-8"))
    *way, last = dotted.split(".")
    for key in way:
        section = section[key]
    if value is None:
        del section[last]
    else:
        section[last] = value
    path.write_text(json.dumps(whole), encoding="utf-8")


@pytest.mark.parametrize("dotted", MISSING)
def test_a_missing_key_is_named_by_every_command(cli: Callable, manifest: Path, dotted: str):
    change(manifest, dotted)
    for words in COMMANDS:
        seen = cli(*words)
        assert seen.code == 2, (words, seen)
        assert "manifest.json" in seen.err and repr(dotted) in seen.err, (words, seen.err)
        # A run first prints what it would do
        assert len([line for line in seen.err.splitlines() if line.startswith("harness: ")]) == 1, seen.err


@pytest.mark.parametrize(
    ("dotted", "value"),
    [
        ("schema", 99),
        ("identity", "text"),
        ("identity.tasks.sums", ["a"]),
        ("identity.tasks.sums.page.repeats", "one"),
        ("identity.tasks.sums.page.metric", []),
        ("tasks.sums.total", "ten"),
        ("config.suite.tasks", [{}]),
        ("later_key", 1),
    ],
)
def test_a_value_of_another_kind_is_named(cli: Callable, manifest: Path, dotted: str, value: Any):
    change(manifest, dotted, value)
    seen = cli("compare", "a", "b")
    assert seen.code == 2 and f"the key '{dotted}" in seen.err and len(seen.err.splitlines()) == 1, seen.err


def test_fields_of_another_version_are_kept_when_a_run_is_rescored(cli: Callable, manifest: Path):
    for dotted in ("identity.later", "identity.model.later", "identity.engine.later", "config.model.about"):
        change(manifest, dotted, "kept")
    before = json.loads(manifest.read_text(encoding="utf-8"))
    assert cli("rescore", "a").code == 0
    after = json.loads(manifest.read_text(encoding="utf-8"))
    assert after["identity"] == before["identity"] and after["config"] == before["config"]


def test_a_manifest_is_written_as_it_was_read(manifest: Path):
    from harness.store.manifest import read, write

    before = manifest.read_bytes()
    write(manifest, read(manifest))
    assert manifest.read_bytes() == before
