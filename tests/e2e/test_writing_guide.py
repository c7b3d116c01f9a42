"""The writing guide: every key and plug-in has an example, every example works, and the documents are not stale."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from files import REPO

from docs import writing_guide
from docs.generate import documents
from harness import plugins
from harness.config import pages
from harness.config.key_names import section_of
from harness.config.task_page import TaskPage
from harness.config.yaml_page import read
from harness.guide.keys import sections
from harness.guide.plug_ins import KINDS, plug_in, plug_ins, shared_options

EXAMPLES = REPO / "examples" / "tasks"
MIRROR = ("--mirror", EXAMPLES / "mirror", "--trust-page-code")
FILES = sorted(EXAMPLES.glob("*.yaml"))
PAGES = {path.stem: read(path).data for path in FILES}


def awaited(page: dict) -> str | None:
    """What this installation lacks of what an example needs: keys, plug-ins, options, metrics, a language."""
    lacking = list(unknown_keys(page, TaskPage))
    for kind in ("scorer", "extractor"):
        for entry in writing_guide.entries_of(page, kind):
            if entry["by"] not in plugins.names(kind):
                lacking.append(entry["by"])
                continue
            options = (*plug_in(kind, entry["by"]).options, *shared_options(kind))
            lacking += set(entry) - {"by"} - {option.name for option in options}
            # A value that only a newer scorer has
            kinds = {option.name: option.kind for option in options}
            lacking += [each for each in ("unconditional",) if entry.get("normalise") == each not in kinds["normalise"]]
    metrics = {each.name for each in plug_ins("metric")}
    own = [*page["metric"], *(name for entry in page["score"] for name in entry.get("metric", []))]
    lacking += [name for name in own if re.sub(r"@\d+(_[\d.]+)?", "@k", name) not in metrics]
    tests = page["reference"].get("tests", {})
    if language := tests.get("language"):
        module = plugins.load("language", language)
        lacking += [language] if module.build().missing() else []
        lacking += ["suffix"] if "suffix" in tests and not getattr(module, "JOINS_SUFFIX", False) else []
    return f"lacks {', '.join(lacking)}" if lacking else None


def unknown_keys(values: dict, schema: type) -> Iterator[str]:
    """Keys of a page that its schema does not have."""
    for key, value in values.items():
        if key not in schema.model_fields:
            yield key
        elif isinstance(value, dict) and (inner := section_of(schema.model_fields[key].annotation)) is not None:
            yield from unknown_keys(value, inner)


@pytest.mark.parametrize("name", ["writing-tasks.md", "tasks.md"])
def test_the_documents_are_what_make_guide_writes(name):
    written = {path.name: text for path, text in documents().items()}
    assert (REPO / "docs" / name).read_text(encoding="utf-8") == written[name], f"{name} is stale: run `make guide`"


def test_the_guide_shows_every_example():
    listed = [name for names in writing_guide.GROUPS.values() for name in names]
    assert sorted(listed) == sorted(set(listed)) and set(listed) == set(PAGES)


def test_every_key_is_described_and_has_an_example():
    keys = [key for section in sections(TaskPage) for key in section.keys]
    assert not [key.name for key in keys if not key.about], "give the Field a description"
    used = [key.name for key in keys if any(writing_guide.values_of(page, key.name, "") for page in PAGES.values())]
    assert not {key.name for key in keys} - set(used), "add the key to a page of examples/tasks"


@pytest.mark.parametrize("kind", KINDS)
def test_every_plug_in_and_option_is_described_and_has_an_example(kind):
    """A new scorer, extractor or metric needs a page that shows it, and so does every option."""
    for each in plug_ins(kind):
        assert each.about, each.name
        users = [page for page in PAGES.values() if writing_guide.uses(page, each)]
        assert users, f"no page of examples/tasks uses the {kind} {each.name}"
        for option in each.options:
            assert option.about, f"the {kind} {each.name} does not say what {option.name} is for"
            shown = [page for page in users if writing_guide.values_of(page, option.name, f"{kind} {each.name}")]
            assert shown, f"no page of examples/tasks uses {option.name} of the {kind} {each.name}"
    for option in shared_options(kind):
        assert option.about and any(writing_guide.values_of(page, option.name, kind) for page in PAGES.values())


def test_every_example_begins_with_the_sentence_that_the_guide_shows():
    for path in FILES:
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        assert first.startswith("# ") and not first.endswith("."), path


@pytest.mark.parametrize("name", PAGES)
def test_every_example_reads_its_own_gold_answer_and_no_other(cli, name):
    if reason := awaited(PAGES[name]):
        pytest.skip(reason)
    seen = cli("tasks", "validate", EXAMPLES / f"{name}.yaml", *MIRROR, "--shuffled")
    if must_set := PAGES[name]["data"].get("must_set"):
        # What has no default cannot be tried
        assert seen.code != 0 and all(f"data.{key}" in seen.out for key in must_set), seen.out
    else:
        assert seen.code == 0, seen.out


@pytest.mark.parametrize("style", [pytest.param("text", marks=pytest.mark.slow), "chat"])
def test_the_demo_model_runs_every_example(cli, style):
    """Every sample gets a score: what a page requests, an engine can answer, and its metrics have a value."""
    pages = {path: PAGES[path.stem] for path in FILES}
    names = [path for path, page in pages.items() if style in page.get("prompt", {"text": {}}) and not awaited(page)]
    must_set = {path.stem: pages[path]["data"].get("must_set", {}) for path in names}
    given = [f"--set=tasks.{task}.data.{key}={value!r}" for task, own in must_set.items() for key, value in own.items()]
    words = (*given, "--model", "demo-smaller", "--style", style, "--set", "execution.wall_seconds=20", "--json")
    seen = cli("run", "--tasks", ",".join(map(str, names)), *words, *MIRROR)
    rows = json.loads(seen.out)["rows"]
    # A metric of confidence without any stated one has no value, as a score that is missing
    assert seen.code == (1 if any(not row["n"] for row in rows) else 0), seen.err
    assert not any(row["unscored"] for row in rows), seen.err
    assert {row["task"] for row in rows} == {path.stem for path in names}
    for row in rows:
        page = PAGES[row["task"]]
        expected = page["data"].get("sample", {}).get("count") or page.get("expected_count", 1)
        if row["no_confidence"]:
            # The demo model states none, which is counted and no score
            assert row["n"] <= expected * (1 - row["no_confidence"]) and row["metric"] != "mean", row
            continue
        assert row["n"] == expected and row["value"] is not None, row


def test_the_command_explains_keys_and_plug_ins_of_this_installation(cli):
    assert "fewshot: split, rows, data, count" in cli("tasks", "guide").out
    assert "first, random, ids; " in cli("tasks", "guide", "fewshot.choose").out
    assert "leave_one_out" in cli("tasks", "guide", "fewshot").out
    assert "letters: text; " in cli("tasks", "guide", "choice").out
    assert "metric pass@k" in cli("tasks", "guide", "pass@k").out
    seen = cli("tasks", "guide", "exact_mach")
    assert seen.code == 2 and "did you mean 'exact_match'" in seen.err


def test_the_list_of_tasks_names_every_page():
    text = (REPO / "docs" / "tasks.md").read_text(encoding="utf-8")
    for name in (*pages.index("tasks"), *pages.index("configs/suites")):
        assert f"`{name}`" in text, name
