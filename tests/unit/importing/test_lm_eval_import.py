"""Pages of lm-evaluation-harness are imported with its own prompts, or not at all."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from files import REPO

from harness.config import pages
from harness.datatypes import Completion
from harness.errors import ConfigError
from harness.execution.base import Limits
from harness.importing.lm_eval import Importer
from harness.importing.lm_eval_yaml import read_foreign
from harness.scoring.services import Services
from harness.validate import Rows, bind_one

MADE = REPO / "tests" / "data" / "lm_eval"
# What lm-evaluation-harness itself asks; tests/data/lm_eval/README.md
ASKED = json.loads((MADE / "requests.json").read_text(encoding="utf-8"))
FORMS = {
    "drawn": "templates",
    "own_split": "templates",
    "prefixed": "rows",
    "one_more": "prompts",
    "by_code": "rows",
    "likeliest": "templates",
    "by_text": "templates",
    "gap": "templates",
}


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The pages in a folder of the test's own; one of them scores by a file that needs a package."""
    folder = tmp_path / "theirs"
    shutil.copytree(MADE, folder)
    return folder


def importer(out: Path, folder: Path, **options: bool) -> Importer:
    return Importer(out, folder / "mirror", **options)


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("name", sorted(FORMS))
def test_an_imported_page_asks_what_lm_eval_asks(made, tmp_path, name):
    replace(made / "functions.py", "import a_package_that_is_nowhere_to_be_had\n", "")
    out = tmp_path / "ours"
    done = importer(out, made, trusted=True).task(read_foreign(made / f"{name}.yaml"))
    flat = [
        [context, continuation]
        for row in done.requests
        for context, continuation in zip(row.contexts, row.continuations or [None] * len(row.contexts), strict=True)
    ]
    assert flat[: len(ASKED[name])] == ASKED[name]
    assert done.form == FORMS[name]
    # The page that was written is ours, and asks the same when it is bound again
    page, source = pages.task_page(str(done.page))
    task = bind_one(page, source, "text", 6, Rows(str(made / "mirror"), trust_page_code=True))
    first = task.requests[0]
    contexts = [getattr(each, "text", "") for each in getattr(first, "contexts", ())] or [first.prompt.text]
    assert contexts[0] == ASKED[name][0][0]


def scores(page: Path, mirror: Path, text: str) -> dict[str, float | None]:
    """The scores of one completion of the first sample."""
    from harness.page_scorers import page_scorers

    loaded, source = pages.task_page(str(page))
    task = bind_one(loaded, source, "text", 1, Rows(str(mirror), trust_page_code=True))
    services = Services("auto", Limits())
    try:
        reply = Completion(task.requests[0].key, text, "eos")
        found = page_scorers(loaded, source, services.tools(), trusted=True)
        return {each.name: each.score(task.samples[0], task.requests[0].prompt, reply).value for each in found}
    finally:
        services.close()


@pytest.mark.parametrize(
    ("text", "strict", "flexible"),
    [
        # The first row's right answer is "0 + 1 = 1.\n#### 1" as a whole, which no filter leaves
        ("0 + 1 = 1.\n#### 1", 0, 0),
        ("1", 0, 0),
    ],
)
def test_filters_and_exact_match_give_their_scores(made, tmp_path, text, strict, flexible):
    done = importer(tmp_path / "ours", made).task(read_foreign(made / "drawn.yaml"))
    assert scores(done.page, made / "mirror", text) == {"exact_match,strict": strict, "exact_match,flexible": flexible}


def test_a_completion_is_compared_to_the_letter_where_they_do(made, tmp_path):
    """Without a filter they compare the completion with its white space."""
    done = importer(tmp_path / "ours", made).task(read_foreign(made / "own_split.yaml"))
    right = "0 + 1 = 1.\n#### 1"
    assert scores(done.page, made / "mirror", right) == {"exact_match": 1}
    assert scores(done.page, made / "mirror", f" {right}") == {"exact_match": 0}
    assert scores(done.page, made / "mirror", right.replace("= 1", "= ,1")) == {"exact_match": 1}


def test_functions_do_not_run_without_leave_and_are_all_named(made, tmp_path):
    with pytest.raises(ConfigError) as raised:
        importer(tmp_path / "ours", made).task(read_foreign(made / "by_code.yaml"))
    message = str(raised.value)
    assert "--trust-page-code" in message
    for line, function in ((3, "process_docs"), (4, "doc_to_text"), (5, "process_results")):
        assert f"by_code.yaml:{line}: !function functions.{function}" in message
    assert not (tmp_path / "ours").exists()


@pytest.mark.parametrize("named", [".functions.process_docs", "...elsewhere.run", "/tmp/functions.run", "run"])
def test_a_function_outside_of_the_pages_folder_is_refused(made, named):
    replace(made / "by_code.yaml", "!function functions.process_docs", f"!function {named}")
    with pytest.raises(ConfigError, match=rf"by_code\.yaml:3: !function {re.escape(named)}: expected a module beside"):
        read_foreign(made / "by_code.yaml")


def test_a_function_that_scores_must_run_here(made, tmp_path):
    """Its rows can be made although a package is missing; its scores cannot."""
    with pytest.raises(ConfigError, match=r"by_code\.yaml:5: .*a_package_that_is_nowhere"):
        importer(tmp_path / "ours", made, trusted=True).task(read_foreign(made / "by_code.yaml"))
    replace(made / "by_code.yaml", "process_results: !function functions.process_results\n", "")
    assert importer(tmp_path / "ours", made, trusted=True).task(read_foreign(made / "by_code.yaml")).total == 5


def test_a_copied_function_scores_and_may_not_change(made, tmp_path):
    replace(made / "functions.py", "import a_package_that_is_nowhere_to_be_had\n", "")
    done = importer(tmp_path / "ours", made, trusted=True).task(read_foreign(made / "by_code.yaml"))
    assert scores(done.page, made / "mirror", " 1 ") == {"exact_match": 1}
    assert scores(done.page, made / "mirror", "2") == {"exact_match": 0}
    replace(done.page.with_suffix("") / "functions.py", "int(", "1 - int(")
    with pytest.raises(ConfigError, match="was changed since it was imported"):
        scores(done.page, made / "mirror", "1")


def test_a_file_of_functions_may_define_dataclasses(made, tmp_path):
    pair = "from dataclasses import dataclass\n\n\n@dataclass\nclass Pair:\n    a: 'int'\n\n\n"
    replace(made / "functions.py", "import a_package_that_is_nowhere_to_be_had\n", pair)
    done = importer(tmp_path / "ours", made, trusted=True).task(read_foreign(made / "by_code.yaml"))
    assert scores(done.page, made / "mirror", " 1 ") == {"exact_match": 1}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  - metric: exact_match\n", "  - metric: rouge_of_ours\n", r"_shared_yaml:10: the metric rouge_of_ours"),
        (
            "    aggregation: mean\n",
            "    aggregation: median\n",
            r"_shared_yaml:10: exact_match: the aggregation 'median'",
        ),
        (
            "    ignore_case: true\n",
            "    ignore_accents: true\n",
            r"_shared_yaml:10: exact_match: the option ignore_accents",
        ),
        (
            "  do_sample: false\n",
            "  do_sample: false\n  num_beams: 4\n",
            r"_shared_yaml:7: num_beams cannot be carried",
        ),
        ("output_type: generate_until\n", "doc_to_image: x\n", r"_shared_yaml:2: doc_to_image cannot be carried"),
        ("test_split: test\n", 'test_split: "test[:10]"\n', r"_shared_yaml:4: a part of a split"),
    ],
)
def test_what_cannot_be_carried_is_named_with_its_line(made, tmp_path, old, new, message):
    replace(made / "_shared_yaml", old, new)
    with pytest.raises(ConfigError, match=message):
        importer(tmp_path / "ours", made).task(read_foreign(made / "drawn.yaml"))
    assert not (tmp_path / "ours").exists()


def test_a_page_whose_prompts_would_differ_is_not_written(made, tmp_path, monkeypatch):
    """The comparison is with a reading of the page's fields of its own: break ours, and it tells."""
    from harness.importing import lm_eval_page

    plain = lm_eval_page.of_templates

    def without_separator(*arguments):
        data, parts = plain(*arguments)
        return data, {**parts, "text": {**parts["text"], "separator": "\n"}}

    monkeypatch.setattr(lm_eval_page, "of_templates", without_separator)
    monkeypatch.setattr("harness.importing.lm_eval.FORMS", ("templates",))
    with pytest.raises(ConfigError, match="the prompts part at character"):
        importer(tmp_path / "ours", made).task(read_foreign(made / "drawn.yaml"))
    assert not (tmp_path / "ours").exists()


def test_includes_that_go_in_a_circle_are_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("include: b.yaml\ntask: a\n")
    (tmp_path / "b.yaml").write_text("include: a.yaml\n")
    with pytest.raises(ConfigError, match="circle"):
        read_foreign(tmp_path / "a.yaml")
