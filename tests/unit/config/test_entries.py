"""A page used several times in one suite: names, overrides, sweeps, and what is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.catalog import Binder
from harness.config import pages
from harness.config.building import run_config
from harness.config.schema import RunConfig
from harness.data.rows import Loader
from harness.errors import UnknownName, UserError
from harness.execution.base import Limits
from harness.page_scorers import page_scorers
from harness.plan import suite_pages
from harness.scoring.services import Services

SUITE = """\
name: tongues
tasks:
  - task: sib200
    over: {data.name: [eng_Latn, fra_Latn]}
  - task: sib200
    name: french_again
    set: {data.name: fra_Latn, fewshot.count: 2}
languages: {english: sib200_eng_latn, chance: 0.25, margin: 0.1}
"""


def suite_file(folder: Path, text: str = SUITE) -> str:
    path = folder / "tongues.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def labels(config: RunConfig) -> list[str]:
    return [entry.label for entry in config.suite.tasks]


def test_uses_of_one_page_have_names_and_overrides_of_their_own(tmp_path):
    config = run_config(None, suite_file(tmp_path), None, {}, "here")
    assert labels(config) == ["sib200_eng_latn", "sib200_fra_latn", "french_again"]
    bound = {page.name: page for page, _ in suite_pages(config)}
    assert {name: page.data.name for name, page in bound.items()} == {
        "sib200_eng_latn": "eng_Latn",
        "sib200_fra_latn": "fra_Latn",
        "french_again": "fra_Latn",
    }
    assert [page.fewshot.count for page in bound.values() if page.fewshot] == [0, 0, 2]


def test_a_suite_reads_the_same_after_its_manifest(tmp_path):
    """A run folder keeps the config as JSON, and a rescore builds it again."""
    config = run_config(None, suite_file(tmp_path), None, {}, "here")
    assert RunConfig.model_validate(config.model_dump(mode="json")) == config


def test_set_reaches_one_use_by_its_name_and_all_by_the_pages(tmp_path):
    settings = {"tasks.sib200.fewshot.count": 3, "tasks.french_again.fewshot.count": 1}
    config = run_config(None, suite_file(tmp_path), None, settings, "here")
    assert [page.fewshot.count for page, _ in suite_pages(config) if page.fewshot] == [3, 3, 1]
    config = run_config(None, suite_file(tmp_path), None, {"tasks.sib200_fra.repeats": 1}, "here")
    with pytest.raises(UnknownName, match="did you mean 'sib200_fra_latn'"):
        suite_pages(config)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("over: {data.name", "over: {data.nam", r"tongues\.yaml:4: unknown key 'nam' in 'data'; did you mean 'name'"),
        ("fewshot.count", "fewshots.count", r"tongues\.yaml:7: unknown key 'fewshots'; did you mean 'fewshot'"),
        (
            "    name: french",
            "    nam: french",
            r"tongues\.yaml:6: unknown key 'nam' in 'tasks\.1'; did you mean 'name'",
        ),
        (
            "name: french_again",
            "name: sib200_fra_latn",
            r"tongues\.yaml:2: the task 'sib200_fra_latn' is listed twice",
        ),
        ("french_again", "French", r"tongues\.yaml:6: tasks\.1\.name: string should match"),
        ("[eng_Latn, fra_Latn]", "[]", r"tongues\.yaml:4: over: data\.name has no values"),
        ("[eng_Latn, fra_Latn]", "eng_Latn", r"tongues\.yaml:4: .*valid list"),
        ("english: sib200_eng_latn", "english: english", r"tongues\.yaml:8: no task of the suite is called 'english'"),
        ("chance: 0.25", "chance: 25", r"tongues\.yaml:8: languages\.chance: .*less than 1"),
        ("margin: 0.1", "margn: 0.1", r"tongues\.yaml:8: unknown key 'margn' in 'languages'; did you mean 'margin'"),
    ],
)
def test_a_fault_in_a_suite_is_reported_with_its_line(tmp_path, old, new, message):
    assert old in SUITE
    with pytest.raises(UserError, match=message):
        pages.suite_page(suite_file(tmp_path, SUITE.replace(old, new)))


def test_over_several_keys_is_every_combination(tmp_path):
    text = "name: t\ntasks:\n  - task: sib200\n    over: {data.name: [eng_Latn, fra_Latn], fewshot.count: [0, 2]}\n"
    found = [entry.label for entry in pages.suite_page(suite_file(tmp_path, text)).tasks]
    assert found == ["sib200_eng_latn_0", "sib200_eng_latn_2", "sib200_fra_latn_0", "sib200_fra_latn_2"]


def test_the_suite_of_languages_has_more_than_forty():
    suite = pages.suite_page("languages-40")
    assert len({entry.set["data.name"] for entry in suite.tasks}) == len(suite.tasks) == 58
    assert suite.languages is not None and suite.languages.english == suite.tasks[0].label


def sweep(axes, tasks=("sib200",)) -> RunConfig:
    return run_config(None, None, tasks, {}, "here", axes)


def test_a_sweep_is_a_task_for_every_combination():
    config = sweep({"shots": [0, 5], "prompts": ["text", "chat"]})
    assert labels(config) == ["sib200_0shot_text", "sib200_0shot_chat", "sib200_5shot_text", "sib200_5shot_chat"]
    assert config.suite.tasks[3].protocol == {"shots": "5", "prompts": "chat"}
    page, _ = suite_pages(config)[3]
    assert page.prompt.text is None and page.fewshot is not None and page.fewshot.count == 5


def test_a_style_that_is_swept_out_does_not_come_back_by_a_template(sums):
    sums.write_text(sums.read_text() + 'variants: {plain: {prompt.text.template: "{{ a }}+{{ b }}"}}\n')
    for page, _ in suite_pages(sweep({"prompts": ["chat"], "template": ["page", "plain"]}, [str(sums)])):
        assert page.prompt.text is None and page.prompt.chat is not None


def test_templates_come_from_the_page_or_from_files(sums, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sums.write_text(sums.read_text() + 'variants: {plain: {prompt.text.template: "{{ a }}+{{ b }}"}}\n')
    (tmp_path / "asks.jinja").write_text("Add {{ a }} to {{ b }}:\n")
    config = sweep({"template": ["page", "plain", "./asks.jinja"]}, [str(sums)])
    assert labels(config) == ["sums_page", "sums_plain", "sums_asks"]
    templates = [page.prompt.text.template for page, _ in suite_pages(config) if page.prompt.text]
    assert templates == ["{{ a }} + {{ b }} =", "{{ a }}+{{ b }}", "Add {{ a }} to {{ b }}:"]


def test_extractors_are_the_pages_own_by_name_or_any_other():
    by_name = [page.score[0] for page, _ in suite_pages(sweep({"extractor": ["flexible", "strict"]}, ["gsm8k"]))]
    assert [entry["name"] for entry in by_name] == ["flexible", "strict"]
    (other, _), *_ = suite_pages(sweep({"extractor": ["boxed", "number"]}, ["gsm8k"]))
    assert other.score == [{**by_name[1], "extract": {"by": "boxed"}}]


def test_any_key_of_the_page_may_be_swept():
    found = suite_pages(sweep({"sampling.temperature": [0.0, 0.7]}, ["gsm8k"]))
    assert [(page.name, page.sampling and page.sampling.temperature) for page, _ in found] == [
        ("gsm8k_temperature-0-0", 0.0),
        ("gsm8k_temperature-0-7", 0.7),
    ]


def test_a_suite_may_say_its_own_sweep_and_the_command_another(tmp_path):
    text = "name: t\ntasks: [{task: gsm8k}]\nsweep: {shots: [0, 5]}\n"
    path = suite_file(tmp_path, text)
    assert labels(run_config(None, path, None, {}, "here")) == ["gsm8k_0shot", "gsm8k_5shot"]
    assert labels(run_config(None, path, None, {}, "here", {"shots": [1]})) == ["gsm8k_1shot"]
    with pytest.raises(UserError, match=r"tongues\.yaml:3: sweep: shots: gsm8k: expected a count from 0 up"):
        run_config(None, suite_file(tmp_path, text.replace("5]", "five]")), None, {}, "here")


@pytest.mark.parametrize(
    ("task", "axes", "message"),
    [
        ("gsm8k", {"shot": [0]}, "no axis is called 'shot'; did you mean 'shots'"),
        ("gsm8k", {"shots": []}, "shots has no values"),
        ("gsm8k", {"shots": [5, 5]}, "shots has a value twice"),
        ("gsm8k", {"shots": [-1]}, "expected a count"),
        ("math500", {"shots": [4]}, "math500 has no `fewshot`"),
        ("gsm8k", {"prompts": ["talk"]}, "expected text or chat"),
        ("gsm8k", {"template": ["bare"]}, "no template is called 'bare'"),
        ("gsm8k", {"template": ["./gone.jinja"]}, "gone.jinja cannot be read"),
        ("sib200", {"extractor": ["number"]}, "nothing to extract"),
        ("gsm8k", {"sampling.temprature": [1.0]}, "unknown key 'temprature' in 'sampling'"),
        ("gsm8k", {"template": ["a/x.txt", "b/x.txt"]}, "cannot be read"),
    ],
)
def test_a_protocol_that_a_page_cannot_take_is_refused(task, axes, message):
    with pytest.raises(UserError, match=message):
        sweep(axes, [task])


def keys_of(page_file: Path, name: str | None = None) -> list[str]:
    services = Services("auto", Limits())
    page, source = pages.task_page(str(page_file))
    bound = page if name is None else page.model_copy(update={"name": name})
    try:
        scorers = page_scorers(bound, source, services.tools())
        return [request.key for request in Binder(Loader(), "text").bind(bound, source, scorers).requests]
    finally:
        services.close()


def test_variants_change_no_key_of_a_journal_and_names_do(sums):
    """Runs from before a page had variants still resume; two uses of a page never share a record."""
    before = keys_of(sums)
    sums.write_text(sums.read_text() + 'variants: {plain: {prompt.text.template: "{{ a }}+{{ b }}"}}\n')
    assert keys_of(sums) == before
    assert not set(keys_of(sums, "other")) & set(before)


def test_a_page_used_once_asks_as_it_always_did(sums):
    config = run_config(None, None, [str(sums)], {}, "here")
    page, _ = suite_pages(config)[0]
    assert page == pages.task_page(str(sums))[0]
