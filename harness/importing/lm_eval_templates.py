"""The form `templates` of an imported page: the original's templates become ours, over the same data set."""

from __future__ import annotations

import re
from typing import Any

from harness.importing.lm_eval_examples import NotThisForm, fewshot_of, is_unconditional
from harness.importing.lm_eval_scores import Scoring
from harness.importing.lm_eval_task import ForeignTask

# Names that templates of ours have already
RESERVED = {"options", "letters", "option", "letter", "config"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def of_templates(task: ForeignTask, scoring: Scoring) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return `data` of our page, and its reference, gold, fewshot and prompt (`text`). Raises NotThisForm."""
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
        parts["fewshot"] = fewshot_of(task)
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
    delimiter, separator = task.delimiters()
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
    delimiter, separator = task.delimiters()
    own = task.data.fewshot_config
    if task.shots and (delimiter != task.target_delimiter or own.get("doc_to_choice") or own.get("doc_to_target")):
        raise NotThisForm("its examples are written by other rules")
    choice: dict[str, Any] = {"options": _options_template(task), "gold": _gold_template(task)}
    target = "{{ option }}"
    if task.multiple_input:
        choice["options_in"] = "prompt"
        target = _template(task, "doc_to_target")
    if is_unconditional(task):
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
