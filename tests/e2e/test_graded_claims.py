"""`harness claim check --run` where samples have several answers or share a group: it stops early, and resumes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from files import SUMS_PAGE, write_jsonl

CLAIM = """\
name: sums-claim
about: Sentences about additions.
claims:
  - id: adds-well
    quote: "adds well"
    reading: "at least 0.6 of all additions right"
    source: {url: "https://example.org", kind: press}
    subject: {model: adder}
    test: {metric: accuracy, tasks: [sums], about: ABOUT}
    relation: ">="
    threshold: 0.6
    protocol: {shots: 0}
  - id: adds-better
    quote: "adds better than its rival"
    reading: "more additions right"
    source: {url: "https://example.org", kind: press}
    subject: {model: adder}
    comparators: [{model: rival}]
    test: {metric: accuracy, tasks: [sums], about: ABOUT}
    relation: ">"
    protocol: {shots: 0}
"""
SIZE, TRIES = 240, 4
REPEATS = SUMS_PAGE.replace("max_tokens: 8", "max_tokens: 8, temperature: 1.0") + f"repeats: {TRIES}\n"
GROUPS = SUMS_PAGE.replace("total]", "total, passage]").replace('{{ id }}"', '{{ id }}", group: "{{ passage }}"')


def claim_on(folder: Path, page: str, about: str = "skill") -> str:
    """The two claims on 240 additions, three to a passage."""
    rows = [{"id": f"s{i}", "a": i, "b": i, "total": 2 * i, "passage": f"p{i // 3}"} for i in range(SIZE)]
    write_jsonl(folder / "sums.jsonl", rows)
    (folder / "sums.yaml").write_text(page, encoding="utf-8")
    (folder / "sums-claim.yaml").write_text(CLAIM.replace("ABOUT", about), encoding="utf-8")
    return "./sums-claim.yaml"


def made(folder: Path, name: str, right: float, tries: int = 1) -> Path:
    """Completions of a model of which this share is right, alike within a passage."""
    draw, rows = random.Random(name), []
    for i in range(SIZE):
        if i % 3 == 0:
            share = min(1.0, max(0.0, right + draw.choice((-0.2, 0.0, 0.2))))
        for _ in range(tries):
            rows.append({"task": "sums", "sample_id": f"s{i}", "completion": f" {2 * i + (draw.random() >= share)}"})
    return write_jsonl(folder / f"{name}.jsonl", rows)


def verdict_of(seen: Any) -> dict[str, Any]:
    assert seen.code == 0, seen.err
    found: dict[str, Any] = json.loads(seen.out)["verdicts"][0]
    return found


def keys(folder: Path) -> list[tuple[str, int]]:
    lines = (folder / "records.jsonl").read_text(encoding="utf-8").splitlines()
    return [(one["sample_id"], one["repeat"]) for one in (json.loads(line)["request"] for line in lines)]


def one_model(folder: Path, name: str, right: float, tries: int = 1) -> list[object]:
    answers = made(folder, name, right, tries)
    return ["--run", "--engine", "scripted", "--completions", answers, "--out", "run", "--json"]


@pytest.mark.parametrize("about", ["skill", "benchmark"])
@pytest.mark.parametrize(("right", "word"), [(0.85, "supported"), (0.3, "refuted")])
def test_the_mean_of_several_answers_is_settled_early_and_read_again_alike(
    cli: Callable, tmp_path: Path, about: str, right: float, word: str
):
    claim = f"{claim_on(tmp_path, REPEATS, about)}:adds-well"
    verdict = verdict_of(cli("claim", "check", claim, *one_model(tmp_path, "adder", right, TRIES)))
    asked = keys(tmp_path / "run")
    assert verdict["word"] == word and "e-value" in verdict["rule"]
    # All tries of a sample, or none
    assert len(asked) == TRIES * len({sample for sample, _ in asked}) < TRIES * SIZE / 2
    again = verdict_of(cli("claim", "check", claim, tmp_path / "run", "--json"))
    assert (again["word"], again["rule"]) == (word, verdict["rule"])


def test_a_sample_that_lacks_an_answer_after_a_kill_is_not_fed(cli: Callable, tmp_path: Path):
    """The journal ends within a sample: a mean over the tries that are there would be another value."""
    claim = f"{claim_on(tmp_path, REPEATS)}:adds-well"
    words = one_model(tmp_path, "adder", 0.75, TRIES)
    whole = verdict_of(cli("claim", "check", claim, *words))
    (tmp_path / "run" / "claim.json").unlink()
    lines = (tmp_path / "run" / "records.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "run" / "records.jsonl").write_bytes(b"".join(lines[: 2 * TRIES + 1]))
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    (tmp_path / "run" / "manifest.json").write_text(json.dumps(manifest | {"status": "running"}), encoding="utf-8")
    again = verdict_of(cli("claim", "check", claim, *words))
    assert (again["word"], again["rule"]) == (whole["word"], whole["rule"])
    assert len(keys(tmp_path / "run")) == len(set(keys(tmp_path / "run")))


def test_groups_of_samples_are_drawn_whole(cli: Callable, tmp_path: Path):
    claim = f"{claim_on(tmp_path, GROUPS)}:adds-well"
    verdict = verdict_of(cli("claim", "check", claim, *one_model(tmp_path, "adder", 0.95)))
    asked = {sample for sample, _ in keys(tmp_path / "run")}
    assert verdict["word"] == "supported" and len(asked) < SIZE
    passages = {int(sample[1:]) // 3 for sample in asked}
    assert asked == {f"s{3 * passage + place}" for passage in passages for place in range(3)}
    assert any("groups of samples, drawn whole" in note for note in verdict["evidence"][0]["notes"])
    again = verdict_of(cli("claim", "check", claim, tmp_path / "run", "--json"))
    assert again["rule"] == verdict["rule"]


@pytest.mark.parametrize(("page", "tries"), [(REPEATS, TRIES), (GROUPS, 1)])
def test_two_models_are_compared_on_several_answers_and_on_groups(cli: Callable, tmp_path: Path, page: str, tries: int):
    claim = f"{claim_on(tmp_path, page)}:adds-better"
    files = [made(tmp_path, "adder", 0.9, tries), made(tmp_path, "rival", 0.3, tries)]
    words = ["--run", "--subject", files[0], "--comparator", files[1], "--out", "runs"]
    seen = cli("claim", "check", claim, *words)
    assert seen.code == 0 and "SUPPORTED" in seen.out
    folders = [tmp_path / "runs" / name for name in ("adder", "rival")]
    ran = len({sample for sample, _ in keys(folders[0])})
    assert f"ran {ran} of {SIZE} samples, {SIZE - ran} saved" in " ".join(seen.out.split())
    verdict = verdict_of(cli("claim", "check", claim, *folders, "--json"))
    assert verdict["word"] == "supported"


def test_runs_that_another_version_stopped_are_judged_alike_or_not_at_all(cli: Callable, tmp_path: Path):
    claim = f"{claim_on(tmp_path, SUMS_PAGE)}:adds-better"
    files = [made(tmp_path, "adder", 0.9), made(tmp_path, "rival", 0.4)]
    words = ["--run", "--subject", files[0], "--comparator", files[1], "--out", "runs"]
    assert verdict_of(cli("claim", "check", claim, *words, "--json"))["word"] == "supported"
    folders = [tmp_path / "runs" / name for name in ("adder", "rival")]

    def read_with(**changes: object) -> Any:
        for folder in folders:
            record = json.loads((folder / "claim.json").read_text(encoding="utf-8")) | changes
            kept = {key: value for key, value in record.items() if value is not None}
            (folder / "claim.json").write_text(json.dumps(kept), encoding="utf-8")
        return cli("claim", "check", claim, *folders, "--json")

    # Before there were levels: no rule is named
    assert verdict_of(read_with(stopping=None, kinds=None))["word"] == "supported"
    seen = read_with(word="refuted")
    assert seen.code == 2 and "another version stopped these runs as refuted" in seen.err
    seen = read_with(stopping="of the future", word="supported")
    assert seen.code == 2 and "use that version" in seen.err
