"""The scores of the report: every figure of the score table, on an axis that suits the metric, in little space."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import harness
from harness.claims.runs import Given
from harness.errors import UserError
from harness.html_report.charts.forest import SHARES, difference_scale, mark, score_scale
from harness.html_report.charts.scale import Scale
from harness.html_report.document import Material, ReportRun
from harness.html_report.page import render
from harness.html_report.reading import read_runs
from harness.html_report.sections import pairs, ranks, scores
from harness.html_report.writing import write_report
from harness.results import Estimate


@pytest.fixture(scope="session")
def demo_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReportRun, ...]:
    """The demo models on 40 samples of each task."""
    folder = tmp_path_factory.mktemp("sections")
    for model in ("demo-smaller", "demo-larger"):
        harness.evaluate(model=model, suite="demo", limit=40, out=str(folder / model))
    return read_runs([folder / "demo-smaller", folder / "demo-larger"])


def with_estimates(run: ReportRun, *estimates: Estimate) -> ReportRun:
    return replace(run, estimates=estimates, overall=None)


def test_the_figures_are_those_of_the_runs_table(demo_runs):
    section = scores.build(Material(demo_runs))
    assert section is not None
    suite, maths, _ = section.data.groups
    assert (suite.name, suite.overall) == ("demo, all tasks", True)
    estimate = demo_runs[1].estimates[0]
    assert maths.lines[1].label == "demo-larger"
    assert maths.lines[1].value.text == f"{estimate.value:.3f}"
    assert maths.lines[1].mark.place == pytest.approx(100 * estimate.value, abs=0.06)
    assert maths.lines[1].mark.low == pytest.approx(100 * estimate.low, abs=0.06)
    text = render(Material(demo_runs), [section], title="t")
    assert f"[{estimate.low:.3f}, {estimate.high:.3f}]" in text


def test_a_perplexity_has_an_axis_and_words_of_its_own(demo_runs):
    perplexity = Estimate("text", "rolling", "word_perplexity", 12.3, 11.0, 13.9, "ratio", 50, 0, 1)
    section = scores.build(Material((with_estimates(demo_runs[0], perplexity),)))
    (group,) = section.data.groups
    assert group.words == "lower is better"
    assert 0 < group.lines[0].mark.low < group.lines[0].mark.place < group.lines[0].mark.high < 100


def test_a_bleu_has_an_axis_to_100(demo_runs):
    bleu = Estimate("text", "bleu", "bleu", 30.0, 28.0, 32.0, "jackknife", 50, 0, 1)
    (group,) = scores.build(Material((with_estimates(demo_runs[0], bleu),))).data.groups
    assert group.lines[0].mark.place == 30.0
    assert "0 to 100" in group.words


def test_a_score_that_is_missing_has_no_mark_and_its_unscored_samples_are_shown(demo_runs):
    missing = Estimate("text", "x", "mean", None, None, None, "none", 0, 50, 1)
    (group,) = scores.build(Material((with_estimates(demo_runs[0], missing),))).data.groups
    assert group.lines[0].mark is None
    assert "50" in [figure.text for figure in group.lines[0].figures]
    assert "Unscored" in group.headings


def test_means_over_other_tasks_are_apart_and_say_of_how_many(demo_runs):
    full, other = demo_runs
    manifest = replace(other.manifest, left_out={"demo_code": "no python"})
    identity = replace(manifest.identity, tasks={"demo_math": manifest.identity.tasks["demo_math"]})
    kept = tuple(one for one in other.estimates if one.task == "demo_math")
    part = replace(other, manifest=replace(manifest, identity=identity), estimates=kept)
    material = Material((full, part))
    assert [(group.name, len(group.lines)) for group in scores.build(material).data.groups if group.overall] == [
        ("demo, all tasks", 1),
        ("demo, 1 of 2 tasks", 1),
    ]
    third = replace(full, label="third")
    titles = [board.title for board in ranks.build(Material((full, third, part))).data.boards]
    assert [title.split(" (")[0] for title in titles[:2]] == ["demo, all tasks", "demo, 1 of 2 tasks"]


def test_many_tasks_are_one_table_that_stays_small(demo_runs):
    one = demo_runs[0].estimates[0]
    many = [replace(one, task=f"language_{place:02}") for place in range(58)]
    runs = tuple(replace(with_estimates(demo_runs[0], *many), label=f"model-{place}") for place in range(10))
    material = Material(runs)
    section = scores.build(material)
    (table,) = [group for group in section.data.groups if not group.overall]
    assert [line.task for line in table.lines[:11]] == ["language_00"] * 10 + ["language_01"]
    size = len(render(material, [section], title="t")) - len(render(material, [], title="t"))
    assert size < 250 * 580


def test_names_of_runs_and_tasks_are_text(demo_runs):
    hostile = "<img src=x onerror=alert(1)>\u202e\x00"
    run = with_estimates(demo_runs[0], replace(demo_runs[0].estimates[0], task=hostile))
    material = Material((replace(run, label=hostile),))
    text = render(material, [scores.build(material)], title="t")
    assert "<img" not in text
    assert "\u202e" not in text
    assert "\x00" not in text


def test_a_difference_axis_has_0_in_its_middle_and_holds_the_margin():
    scale = difference_scale([-0.01, 0.3], 0.05)
    assert scale.place(0.0) == 50
    assert 0 < scale.place(-0.05) < scale.place(0.3) < 100
    assert difference_scale([0.0]).high >= 0.02


def test_marks_without_interval_or_value():
    assert mark(SHARES, None, None, None) is None
    assert mark(SHARES, 0.5, None, None).low is None
    assert score_scale([], share=False) == Scale(0.0, 1.0)


def test_two_runs_are_compared_and_not_ranked(demo_runs):
    section = pairs.build(Material(demo_runs, margin=0.02))
    assert section.data.sentences[0].startswith("2 of 2 differences are significantly different from 0")
    assert [line.word for task in section.data.tasks for line in task.lines] == ["better", "better"]
    assert len(section.data.margins) == 2
    assert ranks.build(Material(demo_runs)) is None
    assert pairs.build(Material(demo_runs[:1])) is None


def test_a_run_is_within_the_margin_of_itself_only_when_the_margin_is_wide(demo_runs):
    again = (demo_runs[0], replace(demo_runs[0], label="again"))
    words = [line.word for task in pairs.build(Material(again, margin=0.2)).data.tasks for line in task.lines]
    assert words == ["within the margin"] * 2
    words = [line.word for task in pairs.build(Material(again, margin=0.01)).data.tasks for line in task.lines]
    assert words == ["not shown"] * 2


@pytest.fixture(scope="session")
def other_protocol(tmp_path_factory: pytest.TempPathFactory) -> ReportRun:
    """A demo run with fewer tokens."""
    folder = tmp_path_factory.mktemp("other") / "run"
    harness.evaluate(
        model="demo-larger",
        suite="demo",
        limit=10,
        out=str(folder),
        settings={"tasks.demo_math.sampling.max_tokens": 20},
    )
    return replace(read_runs([folder])[0], label="shorter")


def test_a_run_under_another_protocol_is_named_and_not_compared(demo_runs, other_protocol):
    material = Material((*demo_runs, other_protocol))
    data = pairs.build(material).data
    assert [run for run, _ in data.refused] == ["shorter"]
    assert any("max_tokens" in field for _, fields in data.refused for field in fields)
    assert "shorter" not in {line.label for task in data.tasks for line in task.lines}
    allowed = pairs.build(replace(material, allow_protocol=True)).data
    assert not allowed.refused
    assert any("max_tokens" in warning for warning in allowed.warnings)
    boards = ranks.build(material).data.boards
    assert [len(board.places) for board in boards if board.title.startswith("demo_math")] == [2, 1]
    assert [len(board.places) for board in boards if board.title.startswith("demo_code")] == [3]


def test_a_heat_map_is_antisymmetric_and_says_without_colour_what_its_colour_says(demo_runs):
    three = (*demo_runs, replace(demo_runs[1], label="the same again"))
    board = next(b for b in ranks.build(Material(three)).data.boards if b.title.startswith("demo_math"))
    assert [place.ranks for place in board.places] == ["1-2", "1-2", "3"]
    assert board.ties == ("Not distinguishable: demo-larger, the same again.",)
    for down, row in enumerate(board.heat):
        for across, cell in enumerate(row):
            mirrored = board.heat[across][down]
            assert cell.shade.marks.replace("+", "−") == mirrored.shade.marks.replace("+", "−")
            assert bool(cell.shade.css) == bool(cell.shade.marks)
            assert not cell.shade.css.startswith("up") or mirrored.shade.css.startswith("down")
    assert board.heat[0][1].text == "+0.000"
    assert "+" in board.heat[0][2].shade.marks


@pytest.mark.parametrize("margin", [0.0, -0.1, 1.0])
def test_a_margin_that_is_no_difference_of_scores_is_refused(margin, tmp_path):
    with pytest.raises(UserError, match="margin"):
        write_report(tmp_path / "r.html", Given((Path("none"),)), margin=margin)


def test_tasks_of_one_run_are_one_table(demo_runs):
    _, together = scores.build(Material(demo_runs[:1])).data.groups
    assert [line.task for line in together.lines] == ["demo_math", "demo_code"]
