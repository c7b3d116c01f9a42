"""A run that is divided over the tasks of an array, and merged again, is the run of one machine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paid_engine
import pytest
import sharded_tasks
from files import read_jsonl

import harness

# What may differ between two runs of the same thing: when, and how fast
TIMES = frozenset({"finished_at", "started_at", "seconds", "run_id", "tokens_per_second", "latency"})
# What of a manifest is of one command
OWN = frozenset({"command", "merged"})

Run = Callable[..., Any]

TASK_ORDER = [page.removeprefix("./").removesuffix(".yaml") for page in sharded_tasks.TASKS.split(",")]


def timeless(value: Any) -> Any:
    """The value without its times, at any depth."""
    if isinstance(value, dict):
        return {key: timeless(inner) for key, inner in value.items() if key not in TIMES}
    return [timeless(inner) for inner in value] if isinstance(value, list) else value


def settled(folder: str) -> list[Any]:
    """Records without times, in the order of their keys."""
    records = [timeless(record) for record in read_jsonl(Path(folder) / "records.jsonl")]
    return sorted(records, key=lambda one: str(one["request"]["key"]))


def read(folder: str, name: str = "scores.json") -> Any:
    return json.loads((Path(folder) / name).read_text())


def manifest_of(folder: str) -> Any:
    """A manifest without what is of the command that wrote it."""
    manifest = timeless(read(folder, "manifest.json"))
    manifest["config"]["out"] = None
    return {key: value for key, value in manifest.items() if key not in OWN}


def assert_same_run(merged: str, whole: str) -> None:
    """The merged run has the records, the scores and the manifest of the whole one, but for times."""
    assert settled(merged) == settled(whole)
    assert timeless(read(merged)) == timeless(read(whole))
    assert manifest_of(merged) == manifest_of(whole)


@pytest.fixture
def run(cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run tasks of all kinds into `--out`, `whole` where no shard is given."""
    sharded_tasks.install(tmp_path, monkeypatch)
    base = ("run", "--engine", "by_key", "--tasks")

    def command(*words: object, tasks: str = "./sums.yaml", out: str = "part", code: int = 0) -> Any:
        seen = cli(*base, tasks, "--out", out, *words)
        assert seen.code == code, seen.err
        return seen

    return command


def compute(tasks: str = "./sums.yaml", out: str = "part", **options: Any) -> None:
    """The same without the command line, whose start takes most of the time."""
    harness.evaluate(tasks=tasks, engine="by_key", out=out, **options)


def shards(of: int, **options: Any) -> list[str]:
    """Compute all shards; return their folders."""
    for number in range(1, of + 1):
        compute(shard=f"{number}/{of}", **options)
    return [f"{options.get('out', 'part')}-shard-{number}-of-{of}" for number in range(1, of + 1)]


@pytest.mark.slow
def test_shards_of_every_kind_of_task_make_the_run_of_one_machine(run: Run, cli: Run):
    options = {"limit": 14, "limit_seed": 5, "repeat_check": 6, "tasks": sharded_tasks.TASKS}
    compute(**options, out="whole")
    folders = shards(3, **options)
    whole = read_jsonl(Path("whole/records.jsonl"))
    parts = [record for folder in folders for record in read_jsonl(Path(folder) / "records.jsonl")]
    assert len(parts) == len(whole) == 14 + 14 * 3 + 14 + 9 + 5
    seen = cli("merge", *reversed(folders))
    assert seen.code == 0, seen.err
    assert_same_run("part", "whole")
    # Each line as the shard wrote it, in the order of tasks, samples and repeats
    lines = (Path("part/records.jsonl")).read_bytes().splitlines()
    assert sorted(lines) == sorted(
        line for folder in folders for line in (Path(folder) / "records.jsonl").read_bytes().splitlines()
    )
    places = [(record["request"]["task"], record["request"]["key"]) for record in whole]
    merged = [
        (record["request"]["task"], record["request"]["key"]) for record in read_jsonl(Path("part/records.jsonl"))
    ]
    assert sorted(merged) == sorted(places)
    # A run records answers as they are scored, a merge task by task
    assert list(dict.fromkeys(task for task, _ in merged)) == TASK_ORDER
    assert merged == sorted(merged, key=lambda one: TASK_ORDER.index(one[0]))
    check, other = read("part", "repeat_check.json"), read("whole", "repeat_check.json")
    assert timeless(check) == timeless(other) and len(check["samples"]) == 6
    # Repeats and groups are in one shard
    for name in ("sample_id", "group"):
        homes: dict[Any, set[str]] = {}
        for folder in folders:
            for record in read_jsonl(Path(folder) / "records.jsonl"):
                if record["request"]["task"] == "families":
                    homes.setdefault(record["request"].get(name) or record[name], set()).add(folder)
        assert len(homes) > 2 and all(len(home) == 1 for home in homes.values())


@pytest.mark.slow
def test_other_commands_read_the_merged_run(run: Run, cli: Run):
    compute(out="whole")
    assert cli("merge", *shards(2)).code == 0
    for words in (("show", "part"), ("cost", "part"), ("export", "part", "--to", "csv"), ("report", "part")):
        seen = cli(*words)
        assert seen.code == 0, (words, seen.err)
    assert "+0.000" in cli("compare", "whole", "part").out
    before = timeless(read("part"))
    seen = cli("rescore", "part")
    assert seen.code == 0 and "0 of 24" in seen.out, seen.err
    assert timeless(read("part")) == before
    assert "merged from" in Path("report.html").read_text()


def test_the_command_without_a_shard_takes_the_merged_run_for_its_own(run: Run, cli: Run):
    folders = shards(2)
    assert cli("merge", *folders).code == 0
    assert "was finished already" in run(out="part").out
    # And merging again changes nothing
    before = Path("part/records.jsonl").read_bytes()
    assert cli("merge", *folders).code == 0 and Path("part/records.jsonl").read_bytes() == before


def test_a_default_name_says_which_shard_and_the_merge_finds_the_run(cli: Run, tmp_path: Path, monkeypatch):
    sharded_tasks.install(tmp_path, monkeypatch)
    words = ("run", "--engine", "by_key", "--tasks", "./sums.yaml")
    for number in (1, 2):
        seen = cli(*words, "--shard", f"{number}/2")
        assert f"shard {number} of 2" in seen.out and f"shard-{number}-of-2" in seen.out
    assert cli("merge", *sorted(Path("runs").glob("*-shard-*"))).code == 0
    # The same name as without shards, so nothing is left to do
    assert "was finished already" in cli(*words).out


@pytest.mark.slow
def test_more_shards_than_samples_leave_empty_ones(run: Run, cli: Run):
    compute(limit=2, out="whole")
    folders = shards(3, limit=2)
    assert "is finished: it has no sample" in run("--shard", "1/5", "--limit", 1).out
    counts = [len(read_jsonl(Path(folder) / "records.jsonl")) for folder in folders]
    assert sum(counts) == 2 and 0 in counts
    assert cli("merge", *folders).code == 0
    assert settled("part") == settled("whole") and timeless(read("part")) == timeless(read("whole"))


def test_the_same_command_resumes_its_own_shard(run: Run):
    run("--shard", "2/3")
    journal = Path("part-shard-2-of-3/records.jsonl")
    whole = journal.read_bytes()
    journal.write_bytes(b"".join(whole.splitlines(keepends=True)[:2]))
    run("--shard", "2/3")
    assert len(journal.read_bytes().splitlines()) == len(whole.splitlines())
    assert "was finished already" in run("--shard", "2/3").out


def test_missing_doubled_foreign_and_unfinished_shards_are_named(run: Run, cli: Run):
    folders = shards(3)

    def refused(*words: object) -> str:
        seen = cli("merge", *words)
        assert (seen.code, seen.out) == (2, "") and seen.err.count("\n") == 1, seen.err
        assert not Path("part").exists() and not list(Path().glob(".*merging*"))
        return str(seen.err)

    assert "shards 1 and 3 of 3 are missing" in refused(folders[1])
    assert "shard 3 of 3 is missing" in refused(*folders[:-1])
    compute(shard="2/3", seed=4, out="other")
    said = refused(*folders, "other-shard-2-of-3")
    assert "other-shard-2-of-3 is of another run" in said and "seed (0 | 4)" in said
    compute(shard="1/2", limit=20, out="other")
    assert "one of 2 shards" in refused(*folders, "other-shard-1-of-2")
    assert "no such run folder" in refused(*folders, "nowhere")

    shutil.copytree(folders[1], "copy")
    seen = cli("merge", *folders, "copy", "--out", "with-copy")
    assert seen.code == 0 and "copy has the same answers" in seen.err
    assert "is no shard: it was merged already" in refused(*folders, "with-copy")
    journal = Path("copy/records.jsonl")
    journal.write_text(journal.read_text().replace('"value":1.0', '"value":0.0'))
    said = refused(*folders, "copy")
    assert "shard 2 of 3 is there twice, with other answers" in said and "part-shard-2-of-3 and copy" in said

    # With another --out too the shard would be damaged, so that comes first
    Path("taken").write_text("notes")
    attempts = Path(folders[0]) / "attempts.jsonl"
    attempts.write_text("{}\n")
    assert "part-shard-1-of-3/attempts.jsonl:1: not an attempt" in refused(*folders, "--out", "taken")
    attempts.unlink()
    assert "taken is a file, not a folder" in refused(*folders, "--out", "taken")

    manifest = Path(folders[1]) / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace('"status": "finished"', '"status": "running"'))
    assert "part-shard-2-of-3 is not finished (stopped, " in refused(*folders)
    manifest.write_text(text.replace('"limit": null', '"limit": 20'))
    assert "limit (None | 20)" in refused(*folders)


def test_many_missing_shards_are_named():
    from harness.store.shard import missing_shards

    assert missing_shards([3, 7], 8) == "shards 3 and 7 of 8 are missing"
    assert missing_shards([2, 3, 7], 8) == "shards 2, 3 and 7 of 8 are missing"


@pytest.mark.slow
def test_a_partial_merge_is_marked_everywhere_and_the_command_finishes_it(run: Run, cli: Run):
    compute(out="whole")
    folders = shards(3)
    seen = cli("merge", *folders[:1], *folders[2:], "--partial")
    assert seen.code == 0, seen.err
    assert "shard 2 of 3 is missing" in " ".join(seen.out.split()) and "without --shard finishes it" in seen.out
    assert "not finished" in cli("export", "part", "--to", "csv").err
    assert "stopped" in cli("runs", ".").out
    missing = len(read_jsonl(Path(folders[1]) / "records.jsonl"))
    assert missing
    # Merged again with the shard, or finished by the command
    shutil.copytree("part", "finished")
    assert cli("merge", *folders).code == 0 and settled("part") == settled("whole")
    run(out="finished")
    assert settled("finished") == settled("whole")
    assert timeless(read("finished")) == timeless(read("whole"))
    # It has more than the shards now
    Path("finished/notes.txt").write_text("mine")
    again = cli("merge", *folders[:2], "--partial", "--out", "finished")
    assert again.code == 2 and "has more since then" in again.err


def test_a_shard_passes_for_no_whole_run(run: Run, cli: Run):
    compute(out="whole")
    folder = "part-shard-2-of-3"
    compute(shard="2/3")
    count = len(read_jsonl(Path(folder) / "records.jsonl"))
    said = f"shard 2 of 3: {count} of 24 samples"
    assert said in Path(folder, "table.md").read_text()
    assert any(said in line for line in read(folder)["warnings"])
    for words in (("export", folder, "--to", "csv"), ("push", folder, "--repo", "me/model")):
        seen = cli(*words)
        assert seen.code == 2 and said in seen.err and "harness merge" in seen.err, words
    assert said in " ".join(cli("compare", "whole", folder).out.split())
    listed = " ".join(cli("runs", ".").out.split())
    assert "part-shard-*-of-3 1 of 3 shards finished, 2 not begun" in listed and "part-shard-2-of-3" not in listed
    assert [run.get("shard") for run in json.loads(cli("runs", ".", "--json").out)].count({"number": 2, "of": 3}) == 1
    board = cli("runs", ".", "--leaderboard")
    assert board.code == 0 and f"{folder}: left out: {said}" in " ".join(board.out.split())
    assert cli("report", folder).code == 0 and said in Path("report.html").read_text()


def test_words_that_are_no_shard_are_refused_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch):
    assert "gate of a whole run" in run("--shard", "1/3", "--fail-under", 0.5, code=2).err
    for word in ("0/3", "4/3", "x"):
        said = run("--shard", word, code=2).err
        assert "--shard: " in said and "2/8" in said and said.count("\n") == 1, said
    assert "SLURM_ARRAY_TASK_ID is not set" in run("--shard", "auto", code=2).err
    for name, value in {"ID": "2", "COUNT": "3", "MIN": "0", "MAX": "2"}.items():
        monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", value)
    run("--shard", "auto")
    assert Path("part-shard-3-of-3").is_dir()
    # Only some tasks of an array, run again: their count is no number of shards
    for name, value in {"ID": "3", "COUNT": "2", "MIN": "3", "MAX": "7"}.items():
        monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", value)
    assert "may be a part of another array" in run("--shard", "auto", code=2).err


def test_other_weights_are_refused_and_other_machines_named(run: Run, cli: Run):
    shards(2)
    for number, name in ((1, "a"), (2, "b")):
        compute(shard=f"{number}/2", settings={"engine.weights": name * 64}, out="w")
    seen = cli("merge", "w-shard-1-of-2", "w-shard-2-of-2")
    assert seen.code == 2 and "answers of other weights: aaaaaaaaaaaa, bbbbbbbbbbbb" in seen.err
    path = Path("part-shard-2-of-2/manifest.json")
    manifest = json.loads(path.read_text())
    manifest["packages"]["torch"] = "1.0"
    manifest["machine"]["processor"] = "an abacus"
    path.write_text(json.dumps(manifest))
    seen = cli("merge", "part-shard-1-of-2", "part-shard-2-of-2")
    assert seen.code == 0
    assert "differ in the version of torch" in seen.err and "1.0 (shard 2)" in seen.err
    assert "an abacus (shard 2)" in seen.err
    merged = read("part", "manifest.json")
    assert "torch" not in merged["packages"] and "processor" not in merged["machine"]
    assert [one["machine"]["processor"] == "an abacus" for one in merged["merged"]["shards"]] == [False, True]


def test_what_the_shards_spent_adds_up(cli: Run, sums: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    paid_engine.install(tmp_path, monkeypatch)
    words = (
        "run",
        "--engine",
        "paid",
        "--model",
        "paid-model",
        "--tasks",
        sums,
        "--set",
        "model.price=./mine.yaml",
        "--out",
        "p",
    )
    folders = []
    for number in (1, 2):
        # Enough for one shard, not for both: each has its own
        seen = cli(*words, "--shard", f"{number}/2", "--max-cost", 0.7)
        assert seen.code == 0, seen.err
        folders.append(f"p-shard-{number}-of-2")
    assert cli("merge", *folders).code == 0
    attempts = read_jsonl(Path("p/attempts.jsonl"))
    parts = [one for folder in folders for one in read_jsonl(Path(folder) / "attempts.jsonl")]
    assert len(attempts) == 12 and sorted(map(str, attempts)) == sorted(map(str, parts))
    # Two start probes, and ten answers at 0.084 dollars
    assert json.loads(cli("cost", "p", "--json").out)["rows"][0]["dollars"] == pytest.approx(2 * 0.015 + 10 * 0.084)


def test_a_full_disk_leaves_nothing(run: Run, cli: Run, monkeypatch: pytest.MonkeyPatch):
    from harness.merging import folder

    folders = shards(2)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(folder.os, "fsync", full)
        seen = cli("merge", *folders)
    assert seen.code == 3 and seen.err.count("\n") == 1
    assert not Path("part").exists() and not list(Path().glob(".*merging*"))
    assert cli("merge", *folders).code == 0
