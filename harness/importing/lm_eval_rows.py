"""The forms `rows` and `prompts` of an imported page: what the original gives for each row is written to files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from harness.errors import ConfigError, DataError
from harness.importing.lm_eval_examples import NotThisForm, fewshot_of, is_unconditional
from harness.importing.lm_eval_scores import Scoring
from harness.importing.lm_eval_task import Doc, ForeignTask
from harness.prompts.build import render

Files = dict[str, list[dict[str, Any]]]


def of_rows(
    task: ForeignTask, scoring: Scoring, folder: str, whole: bool
) -> tuple[dict[str, Any], dict[str, Any], Files]:
    """Return `data` of our page, its reference, gold, fewshot and prompt (`text`), and the rows of each file.

    `whole`: each row has its whole prompt, with the examples. Raises NotThisForm, ConfigError or DataError.
    """
    shots = task.shots_of(len(task.docs)) if whole else [[] for _ in task.docs]
    rows = [_row(task, scoring, doc, its_shots) for doc, its_shots in zip(task.docs, shots, strict=True)]
    files: Files = {"test": rows}
    text: dict[str, Any] = {"template": "{{ question }}"}
    parts: dict[str, Any] = {}
    _reference_of_rows(task, scoring, parts, text)
    if task.page.values.get("description") and not whole and task.kind != "loglikelihood_rolling":
        text = {"description": "{{ description }}", **text}
    if task.shots and not whole:
        parts["fewshot"] = _fewshot_of_rows(task, scoring, files, text)
    elif task.kind == "generate_until":
        text.pop("shot", None)
    if task.kind == "loglikelihood_rolling":
        text = {}
    columns = list(rows[0])
    data = {"path": f"./{folder}", "split": "test", "columns": columns}
    order = ("description", "template", "shot", "target", "separator")
    return data, {**parts, "text": {key: text[key] for key in order if key in text}}, files


def _reference_of_rows(task: ForeignTask, scoring: Scoring, parts: dict[str, Any], text: dict[str, Any]) -> None:
    if task.kind == "multiple_choice":
        choice: dict[str, Any] = {"options": "{{ choices }}", "gold": "{{ gold }}"}
        text["target"] = task.target_delimiter + ("{{ target }}" if task.multiple_input else "{{ option }}")
        if task.multiple_input:
            choice["options_in"] = "prompt"
            text["template"] = "{{ option }}"
        if is_unconditional(task):
            choice["unconditional"] = True
        parts["reference"] = {"choice": choice}
    elif task.kind == "loglikelihood_rolling":
        parts["reference"] = {"text": "{{ answers[0] }}"}
    elif scoring.program is not None:
        around = {key: f"{{{{ {key} }}}}" for key in scoring.program}
        parts["reference"] = {"tests": {"language": "python", **around, "tests": "{{ tests }}\n"}}
    else:
        parts["reference"] = {"answer": "{{ answers }}"}
        parts["gold"] = "{{ answers[0] }}"
        if task.kind == "loglikelihood":
            text["target"] = "{{ answers[0] }}"


def _row(task: ForeignTask, scoring: Scoring, doc: Doc, shots: Sequence[Doc]) -> dict[str, Any]:
    """A row of our file; whole prompts have their examples, which `shots` are, in the question."""
    before = task.before(doc, shots) if shots else ""
    row: dict[str, Any] = {}
    if task.kind != "loglikelihood_rolling":
        questions = [before + question for question in task.question(doc)]
        row["question"] = questions[0]
        if task.page.values.get("description") and not shots:
            row["description"] = task.description(doc)
    if task.kind == "multiple_choice":
        golds = task.golds(doc)
        row["choices"] = questions if task.multiple_input else [str(option) for option in task.options(doc)]
        row["gold"] = golds if isinstance(task.target(doc), list) and not task.multiple_input else golds[0]
        if task.multiple_input:
            row["target"] = str(task.target(doc))
            del row["question"]
        return row
    golds = task.golds(doc)
    if not all(isinstance(gold, str) for gold in golds):
        raise DataError(f"{task.page.place('doc_to_target')}: a right answer is no text: {golds!r:.80}")
    if scoring.program is not None:
        row |= {key: render(template, doc) for key, template in scoring.program.items()}
        return {**row, "tests": golds[0]}
    row["answers"] = golds
    if scoring.calls:
        row["doc"] = _plain(task, doc)
    return row


def _plain(task: ForeignTask, doc: Doc) -> Doc:
    """A row as a function of the page will get it from our file. Raises ConfigError for what JSON cannot hold."""
    try:
        again: Doc = json.loads(json.dumps(doc, ensure_ascii=False))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{task.page.place('process_docs')}: a row cannot be written as JSON: {error}") from None
    if again != doc:
        raise ConfigError(f"{task.page.place('process_docs')}: a row is not the same after it was written as JSON")
    return again


def _fewshot_of_rows(task: ForeignTask, scoring: Scoring, files: Files, text: dict[str, Any]) -> dict[str, Any]:
    """`fewshot`, with the examples as rows; sets how `text` shows them."""
    delimiter, separator = task.delimiters()
    if separator != "\n\n":
        text["separator"] = separator
    if task.kind == "multiple_choice":
        own = task.data.fewshot_config
        other = any(own.get(key) for key in ("doc_to_text", "doc_to_choice", "doc_to_target"))
        if other or delimiter != task.target_delimiter or task.page.values.get("gen_prefix"):
            raise NotThisForm("its examples are written by other rules")
        fewshot = fewshot_of(task)
        if "rows" in fewshot:
            raise NotThisForm("its examples are written in the page")
        if not fewshot.get("leave_one_out"):
            files["shots"] = [_row(task, scoring, doc, ()) for doc in task.pool()]
            fewshot["split"] = "shots"
        return {**fewshot, "split": fewshot["split"] if "split" in files else ("shots" if "shots" in files else "test")}
    if task.kind == "loglikelihood":
        raise NotThisForm("examples of a log-likelihood are written into the prompt")
    fewshot = fewshot_of(task)
    text |= {"shot": "{{ shot }}", "target": "{{ shown }}"}

    def shown(doc: Doc) -> dict[str, Any]:
        parts = task.example(doc)
        if parts.separator != separator:
            raise NotThisForm("an example has no answer")
        return {"shot": parts.question + parts.delimiter, "shown": parts.answer}

    if "rows" in fewshot:
        return {**fewshot, "rows": [shown(doc) for doc in fewshot["rows"]]}
    if fewshot.get("leave_one_out"):
        for row, doc in zip(files["test"], task.docs, strict=True):
            row |= shown(doc)
        return {**fewshot, "split": "test"}
    pool = task.pool()
    files["shots"] = [{**_row(task, scoring, doc, ()), **shown(doc)} for doc in pool]
    # Rows of the page's data have the same columns
    for row in files["test"]:
        row |= {"shot": "", "shown": ""}
    return {**fewshot, "split": "shots"}
