"""What an earlier version computed stays what it was: keys, identities, records, scores, comparisons and verdicts.

`tests/data/runs` holds two run folders that an earlier version wrote (`harness run --model demo-smaller --suite demo
--limit 20`, and demo-larger); only what names a machine was taken out of their manifests.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from files import REPO, read_jsonl

STORED = REPO / "tests" / "data" / "runs"
# What differs from run to run by design, and prose
VARIES = {"seconds", "finished_at", "run_id", "tokens_per_second", "explanation", "message"}


def without_what_varies(value: Any) -> Any:
    """A document without run ids, times, speeds and prose."""
    if isinstance(value, dict):
        return {key: without_what_varies(inner) for key, inner in value.items() if key not in VARIES}
    if isinstance(value, list):
        return [without_what_varies(inner) for inner in value]
    return value


def numbers(value: Any) -> Any:
    """What of a document is not prose: numbers, verdicts, names of claims and models."""
    if isinstance(value, dict):
        kept = {key: numbers(inner) for key, inner in value.items()}
        named = {"claim", "word", "scope", "model", "role", "task", "scorer", "metric", "test", "method", "finding"}
        return {key: inner for key, inner in kept.items() if key in named or not isinstance(inner, str)}
    if isinstance(value, list):
        return [numbers(inner) for inner in value if not isinstance(inner, str)]
    return value


def by_key(folder: Path) -> dict[str, Any]:
    """Records by request key."""
    return {record["request"]["key"]: without_what_varies(record) for record in read_jsonl(folder / "records.jsonl")}


def differences(new: Any, old: Any, where: str = "") -> list[str]:
    """Where a new document differs from a stored one; fields that only the new one has are no difference."""
    if isinstance(new, dict) and isinstance(old, dict):
        missing = [f"{where}.{key}: missing" for key in old if key not in new]
        return missing + [
            line for key in old if key in new for line in differences(new[key], old[key], f"{where}.{key}")
        ]
    if isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        pairs = enumerate(zip(new, old, strict=True))
        return [line for place, (one, other) in pairs for line in differences(one, other, f"{where}[{place}]")]
    return [] if new == old else [f"{where}: {new!r} is not {old!r}"]


def document(path: Path) -> Any:
    """A JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A copy of the stored run folders."""
    return Path(shutil.copytree(STORED, tmp_path / "stored"))


def test_a_new_run_gives_the_stored_keys_records_and_scores(cli, tmp_path):
    assert cli("run", "--model", "demo-larger", "--suite", "demo", "--limit", "20", "--out", "fresh").code == 0
    fresh, old = tmp_path / "fresh", STORED / "larger"
    assert by_key(fresh).keys() == by_key(old).keys()
    assert not differences(by_key(fresh), by_key(old))
    assert document(fresh / "manifest.json")["identity"] == document(old / "manifest.json")["identity"]
    new_scores, old_scores = (without_what_varies(document(folder / "scores.json")) for folder in (fresh, old))
    assert not differences(new_scores, old_scores | {"schema": new_scores["schema"]})


def test_a_stored_run_that_was_cut_off_is_finished_and_nothing_is_requested_twice(cli, stored):
    folder = stored / "smaller"
    kept = (folder / "records.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)[:25]
    (folder / "records.jsonl").write_text("".join(kept), encoding="utf-8")
    manifest = document(folder / "manifest.json") | {"status": "running", "finished_at": None}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert cli("run", "--model", "demo-smaller", "--suite", "demo", "--limit", "20", "--out", folder).code == 0
    lines = (folder / "records.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    assert lines[:25] == kept
    assert len(lines) == 40
    assert by_key(folder).keys() == by_key(STORED / "smaller").keys()
    assert not differences(by_key(folder), by_key(STORED / "smaller"))


def test_scoring_a_stored_run_again_changes_no_score(cli, stored):
    for name in ("smaller", "larger"):
        seen = cli("rescore", stored / name)
        assert seen.code == 0, seen.err
        assert not differences(by_key(stored / name), by_key(STORED / name))


def test_stored_runs_compare_as_before(cli, stored):
    seen = cli("compare", stored / "smaller", stored / "larger", "--json")
    assert seen.code == 0, seen.err
    assert numbers(json.loads(seen.out)["rows"]) == document(STORED / "compared.json")


def test_stored_runs_lead_to_the_same_verdicts(cli, stored):
    seen = cli("claim", "check", STORED / "pinned.yaml", stored / "smaller", stored / "larger", "--json")
    assert seen.code == 0, seen.err
    assert numbers(json.loads(seen.out)["verdicts"]) == document(STORED / "verdicts.json")
