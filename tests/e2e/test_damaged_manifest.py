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
    "identity.tasks.sums.page",
    "identity.tasks.sums.page.metric",
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


def test_any_other_key_is_named_when_it_is_looked_up(manifest: Path):
    from harness.errors import RunFolderError
    from harness.store.manifest import read

    kept = read(manifest)
    with pytest.raises(RunFolderError, match=r"identity\.tasks\.sums\.page\.nowhere"):
        kept.identity["tasks"]["sums"]["page"]["nowhere"]
    assert kept.identity["tasks"]["sums"].get("nowhere") is None
