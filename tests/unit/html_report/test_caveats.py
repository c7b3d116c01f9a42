"""What a report must not conclude: from a scorer that read nothing, over protocols, from other protocols' runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from files import REPO, read_jsonl, write_jsonl

import harness
from harness.analysis.protocol import Difference
from harness.html_report.caveats import by_tell
from harness.html_report.charts.forest import BETWEEN, CHARACTER, ROOM, axis, difference_scale
from harness.html_report.document import Material, ReportRun
from harness.html_report.page import render
from harness.html_report.reading import read_runs
from harness.html_report.sections import pairs, ranks, scores


def answered(folder: Path, name: str, text: str, **options: object) -> ReportRun:
    rows = read_jsonl(REPO / "tasks" / "demo" / "demo_math.jsonl")
    answers = [{"task": "demo_math", "sample_id": row["id"], "completion": text} for row in rows]
    file = write_jsonl(folder / f"{name}.jsonl", answers)
    harness.evaluate(
        name, tasks="demo_math", engine="scripted", completions=str(file), out=str(folder / name), **options
    )
    return read_runs([folder / name])[0]


@pytest.fixture(scope="module")
def unread_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReportRun, ...]:
    folder = tmp_path_factory.mktemp("unread")
    return tuple(answered(folder, name, "I do not say.") for name in ("a", "b"))


def test_nothing_is_concluded_where_no_answer_was_read(unread_runs):
    (group,) = scores.build(Material(unread_runs)).data.groups
    assert "no answer in more than half of the completions of a, b" in group.cautions[0]
    data = pairs.build(Material(unread_runs)).data
    assert data.sentences == ()
    assert "says nothing" in data.cautions[0]
    text = render(Material(unread_runs), [pairs.build(Material(unread_runs))], title="t")
    assert 'class="finding"' not in text


def test_other_scores_are_open_where_the_first_one_read_nothing(unread_runs):
    run = unread_runs[0]
    other = replace(run.estimates[0], scorer="flexible", value=0.5, unextracted=0.0)
    (group,) = scores.build(Material((replace(run, estimates=(*run.estimates, other)),))).data.groups
    assert [others.open for others in group.others] == [True]


def test_a_run_under_another_protocol_is_marked_and_its_reasons_are_once(unread_runs, tmp_path):
    shorter = answered(tmp_path, "c", "#### 1", settings={"tasks.demo_math.sampling.max_tokens": 20})
    again = replace(shorter, label="d")
    material = Material((*unread_runs, shorter, again))
    (group,) = scores.build(material).data.groups
    assert [line.remark for line in group.lines][:2] == ["", ""]
    assert all("other protocol: sampling.max_tokens 20" in line.remark for line in group.lines[2:])
    ((names, _),) = pairs.build(material).data.refused
    assert names == "c, d"
    notes = [note for board in ranks.build(material).data.boards for note in board.notes]
    assert any("Here under one protocol: a, b." in note and "c, d" in note for note in notes)
    assert not any("max_tokens" in note for note in notes)


def test_the_style_of_prompts_comes_before_limits():
    fields = [Difference(name, 1, 2) for name in ("execution.memory_mb", "tasks.t.page.x", "tasks.t.style")]
    assert [one.field for one in by_tell(fields)] == ["tasks.t.style", "tasks.t.page.x", "execution.memory_mb"]


@pytest.mark.parametrize("reach", [0.0, 0.02, 0.03, 0.06, 0.11, 0.4, 0.9])
def test_labels_of_an_axis_do_not_touch(reach):
    labels = axis(difference_scale([-reach, reach]), signed=True)
    assert len(labels) >= 2
    assert sum(CHARACTER * len(label.text) + BETWEEN for label in labels) <= ROOM
