"""`harness claim check --run --subject MODEL --comparator MODEL`: the same samples for all, until it is settled."""

from __future__ import annotations

import json
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from files import write_jsonl, write_sums

CLAIM = """\
name: sums-claim
about: Sentences about additions.
claims:
  - id: adds-better
    quote: "adds better than its rivals"
    reading: "more additions right than each rival"
    source: {url: "https://example.org", kind: press}
    subject: {model: adder, stand_in: {model: demo-larger, tasks: [demo_math]}}
    comparators: [{model: rival, also: [rival-2024]}, {model: other}]
    test: {metric: accuracy, tasks: [sums], about: skill}
    relation: ">"
    protocol: {shots: 0, samples: 1}
"""
SIZE = 300


@pytest.fixture
def claim(tmp_path: Path) -> str:
    """A claim about 300 additions, of one model against two."""
    write_sums(tmp_path, SIZE)
    (tmp_path / "sums-claim.yaml").write_text(CLAIM, encoding="utf-8")
    return "./sums-claim.yaml"


def made(folder: Path, name: str, right: float, seed: int = 1) -> Path:
    """Completions of a model of which this share is right."""
    draw = random.Random(seed)
    rows = [
        {"task": "sums", "sample_id": f"s{i}", "completion": f" {2 * i + (draw.random() >= right)}"}
        for i in range(SIZE)
    ]
    return write_jsonl(folder / f"{name}.jsonl", rows)


def keys(folder: Path) -> list[str]:
    lines = (folder / "records.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["request"]["sample_id"] for line in lines]


def words(tmp_path: Path, *shares: float) -> list[object]:
    names = ("adder", "rival-2024", "other")
    files = [made(tmp_path, name, share, seed) for seed, (name, share) in enumerate(zip(names, shares, strict=True))]
    return ["--run", "--subject", files[0], "--comparator", files[1], "--comparator", files[2], "--out", "runs"]


def verdict_of(seen: Any) -> dict[str, Any]:
    assert seen.code == 0, seen.err
    found: dict[str, Any] = json.loads(seen.out)["verdicts"][0]
    return found


@pytest.mark.parametrize(
    ("shares", "word"),
    [((0.9, 0.4, 0.5), "supported"), ((0.4, 0.3, 0.9), "refuted"), ((0.7, 0.7, 0.3), "inconclusive")],
)
def test_models_are_compared_on_the_same_samples_until_it_is_settled(
    cli: Callable, claim: str, tmp_path: Path, shares: tuple[float, ...], word: str
):
    asked = words(tmp_path, *shares)
    verdict = verdict_of(cli("claim", "check", claim, *asked, "--json"))
    assert verdict["word"] == word and len(verdict["run_ids"]) == 3
    folders = [tmp_path / "runs" / name for name in ("adder", "rival-2024", "other")]
    if word != "inconclusive":
        assert all(len(keys(folder)) < SIZE for folder in folders)
    assert set(keys(folders[0])) >= set(keys(folders[1])) | set(keys(folders[2]))
    # Read later, it is tested in the same way, not as if its n had been chosen beforehand
    again = verdict_of(cli("claim", "check", claim, *folders, "--json"))
    assert (again["word"], again["rule"]) == (verdict["word"], verdict["rule"])
    assert [one["value"] for one in again["evidence"]] == [one["value"] for one in verdict["evidence"]]
    # The same command requests nothing again
    before = [keys(folder) for folder in folders]
    assert verdict_of(cli("claim", "check", claim, *asked, "--json"))["rule"] == verdict["rule"]
    assert [keys(folder) for folder in folders] == before


def test_it_goes_on_where_it_was_killed(cli: Callable, claim: str, tmp_path: Path):
    """One folder lacks its last records, another all but two: only these are requested again."""
    asked = words(tmp_path, 0.8, 0.55, 0.5)
    whole = verdict_of(cli("claim", "check", claim, *asked, "--json"))
    folders = [tmp_path / "runs" / name for name in ("adder", "rival-2024", "other")]
    for folder, kept in zip(folders, (10, 2, 13), strict=True):
        (folder / "claim.json").unlink()
        lines = (folder / "records.jsonl").read_bytes().splitlines(keepends=True)
        (folder / "records.jsonl").write_bytes(b"".join(lines[:kept]))
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        manifest["status"] = "running"
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    seen = cli("claim", "check", claim, *folders)
    assert seen.code == 2 and "run that command again" in seen.err
    again = verdict_of(cli("claim", "check", claim, *asked, "--json"))
    assert (again["rule"], again["word"]) == (whole["rule"], whole["word"])
    assert all(len(keys(folder)) == len(set(keys(folder))) for folder in folders)


def test_a_model_that_fails_ends_the_runs_of_all_and_the_others_go_on_later(cli: Callable, claim: str, tmp_path: Path):
    asked = words(tmp_path, 0.8, 0.5, 0.5)
    held = (tmp_path / "other.jsonl").read_text(encoding="utf-8")
    (tmp_path / "other.jsonl").write_text("no json\n", encoding="utf-8")
    seen = cli("claim", "check", claim, *asked)
    assert seen.code == 2 and "other.jsonl" in seen.err
    (tmp_path / "other.jsonl").write_text(held, encoding="utf-8")
    assert verdict_of(cli("claim", "check", claim, *asked, "--json"))["word"] == "supported"


def test_an_interrupt_ends_all_runs_and_the_same_command_goes_on(
    cli: Callable, claim: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Ctrl-C comes to the main thread once there are records."""
    from harness.cli.claim_pairs import SideProgress

    seen_records = []
    plain = SideProgress.recorded

    def recorded(self: SideProgress, record: Any) -> None:
        plain(self, record)
        seen_records.append(record)
        if len(seen_records) == 4:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(SideProgress, "recorded", recorded)
    asked = words(tmp_path, 0.8, 0.5, 0.5)
    seen = cli("claim", "check", claim, *asked)
    assert seen.code == 130 and "run the same command again to resume" in seen.err
    assert verdict_of(cli("claim", "check", claim, *asked, "--json"))["word"] == "supported"
    for name in ("adder", "rival-2024", "other"):
        found = keys(tmp_path / "runs" / name)
        assert len(found) == len(set(found))


def test_the_summary_has_folders_counts_and_error_rates(cli: Callable, claim: str, tmp_path: Path):
    seen = cli("claim", "check", claim, *words(tmp_path, 0.95, 0.2, 0.2))
    assert seen.code == 0, seen.err
    text = " ".join(seen.out.split())
    for part in ("SUPPORTED", "wins,", "losses,", "ties", "likelihood ratio of", "saved; run folder", "at most 5 %"):
        assert part in text, part


def test_a_run_without_its_partners_decides_nothing(cli: Callable, claim: str, tmp_path: Path):
    cli("claim", "check", claim, *words(tmp_path, 0.95, 0.2, 0.2))
    seen = cli("claim", "check", claim, "runs/adder", "runs/other")
    assert seen.code == 2 and "was run together with runs/rival-2024: give these, too" in seen.err


@pytest.mark.slow
def test_the_demo_models_stand_in_through_the_local_engine(cli: Callable, claim: str, tmp_path: Path):
    pair = ("--run", "--subject", "demo-larger", "--comparator", "demo-smaller")
    seen = cli("claim", "check", claim, *pair)
    assert seen.code == 2 and "--stand-in" in seen.err
    verdict = verdict_of(cli("claim", "check", claim, *pair, "--stand-in", "--json", "--limit", "40"))
    assert (verdict["word"], verdict["stand_in"]["model"]) == ("not_testable_here", "demo-larger")
    folders = sorted((tmp_path / "runs").iterdir())
    assert [folder.name.rpartition("-")[0] for folder in folders] == [
        "claim-adds-better-demo-larger",
        "claim-adds-better-demo-smaller",
    ]
    assert set(keys(folders[0])) == set(keys(folders[1]))
    again = verdict_of(cli("claim", "check", claim, *folders, "--stand-in", "--json"))
    assert again["stand_in"]["rule"] == verdict["stand_in"]["rule"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--subject", "adder.jsonl", "--comparator", "rival-2024.jsonl"), "give --comparator for other too"),
        (("--comparator", "rival-2024.jsonl"), "takes one --subject MODEL"),
        (("--subject", "adder.jsonl", "--comparator", "adder.jsonl"), "need different names"),
        (("--subject", "adder.jsonl", "--comparator", "other.jsonl", "--model", "adder"), "--model is for"),
    ],
)
def test_models_that_do_not_fit_the_claim_are_one_line(
    cli: Callable, claim: str, tmp_path: Path, words: tuple[str, ...], message: str
):
    for name in ("adder", "rival-2024", "other"):
        made(tmp_path, name, 0.5)
    seen = cli("claim", "check", claim, "--run", *words)
    assert seen.code == 2 and message in seen.err and len(seen.err.splitlines()) == 1, seen.err


def test_models_that_would_not_be_run_under_the_claims_protocol_are_refused_before_the_first_request(
    cli: Callable, claim: str, tmp_path: Path
):
    asked = words(tmp_path, 0.9, 0.4, 0.4)
    text = (tmp_path / "sums-claim.yaml").read_text(encoding="utf-8")
    (tmp_path / "sums-claim.yaml").write_text(text.replace("shots: 0", "shots: 2"), encoding="utf-8")
    seen = cli("claim", "check", claim, *asked)
    assert seen.code == 2 and "would not run under the claim's protocol: shots is 0, not 2" in seen.err
    assert not (tmp_path / "runs").exists()
