"""Makes a page of ours from a read page of lm-evaluation-harness, in one of three forms; the first that fits is taken.

- `templates`: its templates become ours, over the same data set.
- `rows`: what its functions and templates give for each row is written to files beside our page, with questions,
  answers and examples as columns. The number of examples can still be set.
- `prompts`: the same with each whole prompt in one column, for rules of examples that ours lack.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.errors import ConfigError, DataError
from harness.importing.lm_eval_sampling import sampling_of
from harness.importing.lm_eval_scores import Scoring
from harness.importing.lm_eval_task import Doc, ForeignTask

Form = Literal["templates", "rows", "prompts"]
FORMS: tuple[Form, ...] = ("templates", "rows", "prompts")
ORIGIN = "lm-evaluation-harness 0.4.13"
# Names that templates of ours have already
RESERVED = {"options", "letters", "option", "letter", "config"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class NotThisForm(Exception):
    """The page cannot have this form; the message says why."""


@dataclass(slots=True)
class Draft:
    """Our page, and the rows of the files that go beside it, by split."""

    page: dict[str, Any]
    files: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


def drafted(task: ForeignTask, scoring: Scoring, form: Form) -> Draft:
    """Make a page in one form. Raises NotThisForm, and ConfigError or DataError for what no form can have."""
    if form == "templates":
        return Draft(_page(task, scoring, *_of_templates(task, scoring)))
    if form == "prompts" and not task.shots:
        raise NotThisForm("it has no examples")
    return _of_rows(task, scoring, whole=form == "prompts")


def our_name(name: str) -> str:
    """A name that our pages may have."""
    return re.sub(r"[^a-z0-9_-]", "_", name.lower()).lstrip("_-") or "task"


def _page(task: ForeignTask, scoring: Scoring, data: dict[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    """Keys in the order of the schema; `parts`: reference, gold, fewshot, prompt.text."""
    values = task.page.values
    kinds = {"generate_until": "generate", "loglikelihood_rolling": "rolling_loglikelihood"}
    ask = kinds.get(task.kind, "loglikelihood")
    tags = values.get("tag") or []
    text = dict(parts.get("text", {}))
    page: dict[str, Any] = {
        "name": our_name(task.name),
        "version": 1,
        "about": f"Imported from lm-evaluation-harness, task {task.name}.",
        "tags": sorted({our_name(str(tag)) for tag in (tags if isinstance(tags, list) else [tags])}),
        "source": {"reference": f"{ORIGIN}, task {task.name}"},
        "data": data,
        "reference": parts["reference"],
    }
    if not page["tags"]:
        del page["tags"]
    hub = task.data.source(task.data.split)
    if not hub["path"].startswith("/"):
        page["source"] = {"data": f"https://huggingface.co/datasets/{hub['path']}", **page["source"]}
    version = (values.get("metadata") or {}).get("version")
    if version is not None:
        page["source"]["note"] = f"Version {version} of that task, in its text form."
    if "gold" in parts and ask == "generate":
        page["gold"] = parts["gold"]
    if "fewshot" in parts:
        page["fewshot"] = parts["fewshot"]
    if ask == "generate":
        sampling, stops = sampling_of(task.page)
        text |= {"stop": stops} if stops else {}
    if text:
        page["prompt"] = {"text": text}
    if ask != "generate":
        page["ask"] = ask
    else:
        page["sampling"] = sampling
        if scoring.repeats != 1:
            page["repeats"] = scoring.repeats
    return {**page, "score": scoring.score, "metric": scoring.metric}


# --- templates -----------------------------------------------------------------------------------


def _of_templates(task: ForeignTask, scoring: Scoring) -> tuple[dict[str, Any], dict[str, Any]]:
    values, first = task.page.values, task.docs[0]
    if values.get("process_docs") is not None or scoring.calls:
        raise NotThisForm("functions of the page change its rows or score them")
    data: dict[str, Any] = {**task.data.source(task.data.split), "split": task.data.split}
    if "file" in data and data["path"].startswith("/"):
        raise NotThisForm("its data is a file")
    fields = {key: values.get(key) for key in ("doc_to_text", "doc_to_target", "doc_to_choice", "description")}
    if values.get("gen_prefix"):
        fields["gen_prefix"] = values["gen_prefix"]
    for key, value in fields.items():
        if value is not None and not isinstance(value, str | int | list):
            raise NotThisForm(f"{key} is no template")
    parts: dict[str, Any] = {}
    text: dict[str, Any] = {}
    if task.kind == "loglikelihood_rolling":
        parts["reference"] = {"text": _template(task, "doc_to_target")}
    else:
        text = _text_of_templates(task, parts)
    if fields["description"]:
        text = {"description": _template(task, "description"), **text}
    if scoring.program is not None:
        tests = _template(task, "doc_to_target")
        parts["reference"] = {"tests": {"language": "python", **scoring.program, "tests": f"{tests}\n"}}
        if "canonical_solution" in task.features:
            parts["gold"] = "{{ canonical_solution }}"
        elif "code" in task.features:
            parts["gold"] = "{{ code }}"
    if task.shots:
        parts["fewshot"] = _fewshot(task)
    shown = repr([text, parts, scoring.program, values.get("description")])
    data["columns"] = [
        name for name in first if re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", shown)
    ]
    if not data["columns"] or any(not _NAME.fullmatch(name) or name in RESERVED for name in data["columns"]):
        raise NotThisForm("its columns have names that templates cannot use")
    ordered: dict[str, Any] = {
        key: data[key] for key in ("path", "name", "revision", "file", "split", "columns") if key in data
    }
    return ordered, {**parts, "text": text}


def _template(task: ForeignTask, key: str, shot: bool = False) -> str:
    spec = task.of_shots(key) if shot else task.page.values.get(key)
    if isinstance(spec, int):
        return str(spec)
    if not isinstance(spec, str):
        raise NotThisForm(f"{key} is no template")
    return f"{{{{ {spec} }}}}" if spec in task.features and _NAME.fullmatch(spec) else spec


def _text_of_templates(task: ForeignTask, parts: dict[str, Any]) -> dict[str, Any]:
    """`prompt.text`; puts the reference and the gold answer into `parts`."""
    question = "{{ option }}" if task.multiple_input else _template(task, "doc_to_text")
    shot_question = "{{ option }}" if task.multiple_input else _template(task, "doc_to_text", shot=True)
    if task.page.values.get("gen_prefix"):
        if task.shots:
            raise NotThisForm("its examples begin their answers with gen_prefix")
        first = task.docs[0]
        plain = task.text(first)
        (whole,) = task.question(first)
        prefix = task.prefix(first) or ""
        question += whole[len(str(plain)) : len(whole) - len(prefix)] + _template(task, "gen_prefix")
    delimiter, separator = _delimiters(task)
    if task.kind == "multiple_choice":
        return _text_of_options(task, parts, question, shot_question)
    target = _template(task, "doc_to_target")
    if task.has_options:
        raise NotThisForm("its answer is an option by its index")
    if task.multiple_target:
        if task.shots:
            raise NotThisForm("its examples have several answers")
        parts["reference"] = {"answer": target}
    else:
        parts["reference"] = {"answer": [target]}
        parts["gold"] = target
    if task.kind == "loglikelihood":
        text = {"template": question, "target": target}
        if task.shots and (delimiter or shot_question != question):
            text["shot"] = shot_question + delimiter
    else:
        text = {"template": question}
        if task.shots:
            text |= {"target": delimiter + _template(task, "doc_to_target", shot=True)}
            text |= {"shot": shot_question} if shot_question != question else {}
    return _separated(task, text, separator)


def _text_of_options(task: ForeignTask, parts: dict[str, Any], question: str, shot_question: str) -> dict[str, Any]:
    delimiter, separator = _delimiters(task)
    own = task.data.fewshot_config
    if task.shots and (delimiter != task.target_delimiter or own.get("doc_to_choice") or own.get("doc_to_target")):
        raise NotThisForm("its examples are written by other rules")
    choice: dict[str, Any] = {"options": _options_template(task), "gold": _gold_template(task)}
    target = "{{ option }}"
    if task.multiple_input:
        choice["options_in"] = "prompt"
        target = _template(task, "doc_to_target")
    if _unconditional(task):
        choice["unconditional"] = True
    parts["reference"] = {"choice": choice}
    text = {"template": question, "target": task.target_delimiter + target}
    if task.shots and shot_question != question:
        text["shot"] = shot_question
    return _separated(task, text, separator)


def _separated(task: ForeignTask, text: dict[str, Any], separator: str) -> dict[str, Any]:
    order = ("template", "shot", "target", "separator")
    if task.shots and separator != "\n\n":
        text = {**text, "separator": separator}
    return {key: text[key] for key in order if key in text}


def _delimiters(task: ForeignTask) -> tuple[str, str]:
    of_target, of_shot = task.of_shots("target_delimiter"), task.of_shots("fewshot_delimiter")
    return " " if of_target is None else str(of_target), "\n\n" if of_shot is None else str(of_shot)


def _expression(spec: str, features: frozenset[str]) -> str | None:
    """The expression of a field that is a column or one `{{ expression }}`."""
    if spec in features:
        return spec if _NAME.fullmatch(spec) else None
    text = spec.strip()
    inner = text[2:-2].strip("-").strip()
    return inner if text.startswith("{{") and text.endswith("}}") and "{{" not in inner and "{%" not in text else None


def _options_template(task: ForeignTask) -> str | list[str]:
    spec = task.page.values["doc_to_choice"]
    if isinstance(spec, list):
        if not all(isinstance(each, str) and "{" not in each for each in spec):
            raise NotThisForm("its options are no plain texts")
        return list(spec)
    expression = _expression(spec, task.features) if isinstance(spec, str) else None
    if expression is None:
        raise NotThisForm("its options are no column and no expression")
    return f"{{{{ {expression} }}}}"


def _gold_template(task: ForeignTask) -> str:
    key = "doc_to_text" if task.multiple_input else "doc_to_target"
    first = task.text(task.docs[0]) if task.multiple_input else task.target(task.docs[0])
    spec = task.page.values[key]
    if isinstance(first, str):
        expression = _expression(spec, task.features) if isinstance(spec, str) else None
        options = task.page.values["doc_to_choice"]
        listed = repr(options) if isinstance(options, list) else _expression(options, task.features)
        if expression is None or listed is None:
            raise NotThisForm("its right option is named by its text")
        return f"{{{{ {listed}.index({expression}) }}}}"
    return _template(task, key)


def _unconditional(task: ForeignTask) -> bool:
    metrics = task.page.values.get("metric_list") or []
    return any(entry.get("metric") == "acc_mutual_info" for entry in metrics)


def _fewshot(task: ForeignTask) -> dict[str, Any]:
    data = task.data
    choose = {"choose": "first" if data.sampler == "first_n" else "random"}
    if data.sampler == "default":
        choose |= {"seed": 1234}  # type: ignore[dict-item]
    if not data.pool_is_split:
        if data.leaves_out_question and data.sampler == "default":
            raise NotThisForm("it draws one example more than it shows")
        return {"rows": _sample_rows(task), "count": task.shots, **choose}
    same = data.pool_split == data.split
    if same != data.leaves_out_question:
        raise NotThisForm(
            "a question may be among its own examples" if same else "it draws one example more than it shows"
        )
    if data.source(data.pool_split) != data.source(data.split):
        raise NotThisForm("examples and questions are of different files")
    return {"split": data.pool_split, "count": task.shots, **choose, **({"leave_one_out": True} if same else {})}


def _sample_rows(task: ForeignTask) -> list[Doc]:
    """The examples that the page itself has; those of options with the text of the right one as `option`."""
    rows = task.pool()
    if task.kind != "multiple_choice":
        return rows
    shown = [task.example(row) for row in rows]
    return [
        {**row, "option": each.question if task.multiple_input else each.answer}
        for row, each in zip(rows, shown, strict=True)
    ]


# --- rows ----------------------------------------------------------------------------------------


def _of_rows(task: ForeignTask, scoring: Scoring, whole: bool) -> Draft:
    name = our_name(task.name)
    shots = task.shots_of(len(task.docs)) if whole else [[] for _ in task.docs]
    rows = [_row(task, scoring, doc, its_shots) for doc, its_shots in zip(task.docs, shots, strict=True)]
    files = {"test": rows}
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
    data = {"path": f"./{name}", "split": "test", "columns": columns}
    order = ("description", "template", "shot", "target", "separator")
    page = _page(task, scoring, data, {**parts, "text": {key: text[key] for key in order if key in text}})
    page["expected_count"] = len(rows)
    return Draft(page, files)


def _reference_of_rows(task: ForeignTask, scoring: Scoring, parts: dict[str, Any], text: dict[str, Any]) -> None:
    if task.kind == "multiple_choice":
        choice: dict[str, Any] = {"options": "{{ choices }}", "gold": "{{ gold }}"}
        text["target"] = task.target_delimiter + ("{{ target }}" if task.multiple_input else "{{ option }}")
        if task.multiple_input:
            choice["options_in"] = "prompt"
            text["template"] = "{{ option }}"
        if _unconditional(task):
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
        from harness.prompts.build import render

        row |= {key: render(template, doc) for key, template in scoring.program.items()}
        return {**row, "tests": golds[0]}
    row["answers"] = golds
    if scoring.calls:
        row["doc"] = _plain(task, doc)
    return row


def _plain(task: ForeignTask, doc: Doc) -> Doc:
    """A row as a function of the page will get it from our file. Raises ConfigError for what JSON cannot hold."""
    import json

    try:
        again: Doc = json.loads(json.dumps(doc, ensure_ascii=False))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{task.page.place('process_docs')}: a row cannot be written as JSON: {error}") from None
    if again != doc:
        raise ConfigError(f"{task.page.place('process_docs')}: a row is not the same after it was written as JSON")
    return again


def _fewshot_of_rows(
    task: ForeignTask, scoring: Scoring, files: dict[str, list[dict[str, Any]]], text: dict[str, Any]
) -> dict[str, Any]:
    """`fewshot`, with the examples as rows; sets how `text` shows them."""
    delimiter, separator = _delimiters(task)
    if separator != "\n\n":
        text["separator"] = separator
    if task.kind == "multiple_choice":
        own = task.data.fewshot_config
        other = any(own.get(key) for key in ("doc_to_text", "doc_to_choice", "doc_to_target"))
        if other or delimiter != task.target_delimiter or task.page.values.get("gen_prefix"):
            raise NotThisForm("its examples are written by other rules")
        fewshot = _fewshot(task)
        if "rows" in fewshot:
            raise NotThisForm("its examples are written in the page")
        if not fewshot.get("leave_one_out"):
            files["shots"] = [_row(task, scoring, doc, ()) for doc in task.pool()]
            fewshot["split"] = "shots"
        return {**fewshot, "split": fewshot["split"] if "split" in files else ("shots" if "shots" in files else "test")}
    if task.kind == "loglikelihood":
        raise NotThisForm("examples of a log-likelihood are written into the prompt")
    fewshot = _fewshot(task)
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
