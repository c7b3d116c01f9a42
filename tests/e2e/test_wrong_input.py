"""The mistakes a stranger makes: each gets one clear line, exit code 2, and loses nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from files import write_jsonl


def one_line(seen, *parts: str) -> None:
    """The message is one line with these parts, and no traceback."""
    assert seen.code == 2, (seen.code, seen.err)
    last = seen.err.strip().splitlines()[-1]
    assert last.startswith("harness: ")
    assert "Traceback" not in seen.err and "Traceback" not in seen.out
    for part in parts:
        assert part in last, last


def test_misspelt_task(cli):
    one_line(cli("run", "--tasks", "gsmk8"), "gsmk8", "did you mean 'gsm8k'", "harness tasks list")


def test_misspelt_suite(cli):
    one_line(cli("run", "--suite", "dmo"), "did you mean 'demo'")


def test_misspelt_model(cli):
    one_line(cli("run", "--model", "demo-larg"), "did you mean 'demo-larger'")


def test_misspelt_setting(cli):
    one_line(cli("run", "--set", "execution.wal_seconds=3"), "wal_seconds", "did you mean 'wall_seconds'")


def test_misspelt_key_in_a_page_names_file_and_line(cli, sums):
    text = Path(sums).read_text()
    Path(sums).write_text(text.replace("sampling: {max_tokens: 8}", "sampling: {max_gen_tokens: 8}"))
    number = text.splitlines().index("sampling: {max_tokens: 8}") + 1
    one_line(cli("run", "--tasks", sums), f"sums.yaml:{number}:", "max_gen_tokens", "did you mean 'max_tokens'")


def test_duplicate_key_in_a_page(cli, sums):
    Path(sums).write_text(Path(sums).read_text() + "version: 2\n")
    one_line(cli("run", "--tasks", sums), "sums.yaml:", "'version'", "twice")


def test_misspelt_scorer_extractor_and_metric(cli, sums):
    text = Path(sums).read_text()
    for right, wrong in (("exact_match", "exact_mach"), ("by: number", "by: nummber"), ("[mean]", "[maen]")):
        Path(sums).write_text(text.replace(right, wrong))
        one_line(cli("run", "--tasks", sums), "sums.yaml:", "did you mean")


def test_model_folder_without_config(cli, tmp_path):
    (tmp_path / "weights").mkdir()
    one_line(cli("run", "--model", "./weights"), "weights", "config.json")


def test_hub_id_with_no_network(tmp_path):
    """In a process of its own: a dead endpoint must be found out in seconds, not after 24 s of silent retries."""
    code = "from harness.cli.main import main; main()"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    seen = subprocess.run(
        [sys.executable, "-c", code, "run", "--model", "some-org/some-model", "--suite", "demo"],
        env={**environment, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert seen.returncode == 2, seen.stderr
    assert "some-org/some-model" in seen.stderr and "Traceback" not in seen.stderr
    assert "cannot be reached" in seen.stderr


def test_data_set_with_no_network_points_to_the_mirror(cli, sums_answers):
    seen = cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", "gsm8k")
    one_line(seen, "openai/gsm8k", "--mirror")


def test_mirror_without_the_file(cli, tmp_path, sums_answers):
    seen = cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", "gsm8k", "--mirror", tmp_path)
    one_line(seen, "openai/gsm8k/main/test.jsonl")


def test_unwritable_out(cli, sums, sums_answers):
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out")
    one_line(cli(*words, "/proc/nowhere"), "/proc/nowhere", "give another path")
    Path("taken").write_text("a file")
    one_line(cli(*words, "taken"), "taken", "--out")


def test_full_disk_keeps_what_was_written(cli, sums, sums_answers, tmp_path, monkeypatch):
    """The fifth record meets a full disk; the first four stay, and the same command finishes the rest."""
    from harness.store import journal

    real, calls = os.write, []

    def full(file: int, data: bytes) -> int:
        if data.startswith(b'{"schema"'):
            calls.append(1)
            if len(calls) == 5:
                return real(file, data[:20])
        return real(file, data)

    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "r")
    monkeypatch.setattr(journal.os, "write", full)
    seen = cli(*words, "--set", "execution.workers=1")
    assert seen.code == 3 and "full" in seen.err and "Traceback" not in seen.err
    monkeypatch.setattr(journal.os, "write", real)
    kept = (tmp_path / "r/records.jsonl").read_bytes()
    assert kept.endswith(b"\n") and kept.count(b"\n") >= 4
    again = cli(*words, "--set", "execution.workers=1", "--json")
    assert again.code == 0 and json.loads(again.out)["rows"][0]["n"] == 10


def test_empty_suite_file(cli, tmp_path):
    (tmp_path / "empty.yaml").write_text("")
    one_line(cli("run", "--suite", "./empty.yaml"), "empty.yaml", "empty")
    (tmp_path / "none.yaml").write_text("name: none\ntasks: []\n")
    one_line(cli("run", "--suite", "./none.yaml"), "none.yaml:2:", "tasks")


def test_negative_limit(cli):
    one_line(cli("run", "--limit", -5), "limit", "-5")


def test_run_folder_of_another_model(cli, sums, sums_answers, tmp_path):
    words = ("run", "--engine", "scripted", "--tasks", sums, "--out", "r", "--completions")
    assert cli(*words, sums_answers).code == 0
    before = (tmp_path / "r/records.jsonl").read_bytes()
    other = write_jsonl(tmp_path / "other.jsonl", [{"task": "sums", "sample_id": "s1", "completion": "3"}])
    one_line(cli(*words, other), "differs in", "model.", "--out")
    assert (tmp_path / "r/records.jsonl").read_bytes() == before


def test_out_folder_that_is_no_run(cli, sums, sums_answers, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter1.txt").write_text("years of work")
    seen = cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums, "--out", "thesis")
    one_line(seen, "not empty")
    assert (tmp_path / "thesis/chapter1.txt").read_text() == "years of work"


def test_missing_column_zero_rows_and_a_wrong_count(cli, sums, sums_answers, tmp_path):
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums)
    text = Path(sums).read_text()
    Path(sums).write_text(text.replace("columns: [id, a, b, total]", "columns: [id, a, b, sum]"))
    one_line(cli(*words), "sums.yaml:", "no column 'sum'")
    Path(sums).write_text(text + "expected_count: 11\n")
    one_line(cli(*words), "10 rows", "expects 11")
    Path(sums).write_text(text)
    (tmp_path / "sums.jsonl").write_text("")
    one_line(cli(*words), "no rows")


def test_two_rows_of_one_id(cli, sums, sums_answers, tmp_path):
    write_jsonl(tmp_path / "sums.jsonl", [{"id": "x", "a": 1, "b": 1, "total": 2}] * 2)
    seen = cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums)
    one_line(seen, "'x'", "ids must differ")


def test_a_template_that_asks_for_a_column_nobody_has(cli, sums, sums_answers):
    Path(sums).write_text(Path(sums).read_text().replace("{{ a }} + {{ b }} =", "{{ a }} + {{ bb }} ="))
    seen = cli("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums)
    one_line(seen, "sums.yaml:", "'bb'")


def test_unknown_sandbox_device_and_engine(cli):
    one_line(cli("run", "--engine", "refrence"), "did you mean 'reference'")
    one_line(cli("run", "--device", "cuda"), "cuda")
    one_line(cli("run", "--sandbox", "off"), "sandbox", "none")


def test_shots_from_the_rows_under_test_are_refused(cli, sums, sums_answers):
    text = Path(sums).read_text()
    words = ("run", "--engine", "scripted", "--completions", sums_answers, "--tasks", sums)
    for split in ("test", "train"):
        Path(sums).write_text(text + f"fewshot: {{split: {split}, count: 2}}\n")
        one_line(cli(*words), "sums.yaml:", "shots")
