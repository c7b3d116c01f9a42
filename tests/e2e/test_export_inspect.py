"""`--to inspect`: the log is read by Inspect's own reader, with the run's numbers."""

from __future__ import annotations

import json
import zipfile

import pytest
from exported_runs import SCORES, exported, hostile_run

log = pytest.importorskip("inspect_ai.log")


def test_inspect_reads_header_samples_and_scores(cli, sums, tmp_path):
    run = hostile_run(cli, sums, tmp_path)
    (file,) = exported(cli, run, "inspect")
    (stored,) = json.loads((run / "scores.json").read_text())["rows"]
    header = log.read_eval_log(str(file), header_only=True)
    (score,) = header.results.scores
    assert header.status == "success" and header.eval.task == "sums" and score.scorer == "exact_match"
    found = {name: metric.value for name, metric in score.metrics.items()}
    names = {"mean": "value", "stderr": "stderr", "mean_low": "low", "mean_high": "high"}
    assert found == {name: stored[key] for name, key in names.items()}
    assert header.eval.metadata["metric"] == "mean" and header.eval.dataset.samples == 10
    assert header.plan.config.max_tokens == 8
    full = log.read_eval_log(str(file))
    assert {sample.id: sample.scores["exact_match"].value for sample in full.samples} == SCORES
    by_id = {sample.id: sample for sample in full.samples}
    assert by_id["s4"].output.completion.startswith("<script>") and by_id["s2"].output.completion == "\x1b[2J\u202e6"
    assert by_id["s1"].output.completion == "</system-out><testcase name='forged'/>]]> & \x00 \\ud800 \ufffe 3"
    assert by_id["s3"].output.stop_reason == "stop" and by_id["s3"].messages[-1].role == "assistant"


def test_inspect_lists_the_samples_without_reading_them(cli, sums, tmp_path):
    (file,) = exported(cli, hostile_run(cli, sums, tmp_path), "inspect")
    summaries = log.read_eval_log_sample_summaries(str(file))
    assert {each.id: each.scores["exact_match"].value for each in summaries} == SCORES
    assert all(each.completed and each.message_count == 2 for each in summaries)
    one = log.read_eval_log_sample(str(file), id="s3", epoch=1)
    assert one.scores["exact_match"].answer == "-9"


@pytest.mark.parametrize("name", ["../../up", "/root", "a/../../b", "a\\b", "nul\x00", "HumanEval/0"])
def test_a_sample_id_stays_inside_of_the_zip(cli, sums, tmp_path, name):
    run = hostile_run(cli, sums, tmp_path)
    (records,) = run.glob("records.jsonl")
    records.write_text(records.read_text().replace('"sample_id":"s3"', f'"sample_id":{json.dumps(name)}'))
    (file,) = exported(cli, run, "inspect")
    members = zipfile.ZipFile(file).namelist()
    assert not any(part in ("", "..") for member in members for part in member.split("/"))
    full = log.read_eval_log(str(file))
    (sample,) = [each for each in full.samples if each.metadata["sample_id"] == name]
    assert log.read_eval_log_sample(str(file), id=sample.id, epoch=1).output.completion == "-9"
