"""Makes a page from a file of rows and the names of its columns: the shortest one that says what the task is."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from harness import plugins
from harness.data.rows import KINDS, Row, read_file
from harness.errors import ConfigError, DataError, UnknownName

Kind = Literal["choice", "generation", "code"]
KIND_NAMES: tuple[str, ...] = get_args(Kind)
LETTERS = "ABCDEFGHIJ"
# Rows that are looked at to see what a column holds
LOOKED_AT = 200
# Identifiers that mean something else in a template
_RESERVED = frozenset(("and", "else", "false", "if", "in", "is", "none", "not", "or", "true", "False", "None", "True"))
_NUMBER = re.compile(r"-?[\d,]*\.?\d+")
_FUNCTION = re.compile(r"(?m)^def \w+\(")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column is what. `options`: several columns, or one that holds a list."""

    question: str
    answer: str | None = None
    options: tuple[str, ...] = ()
    tests: str | None = None


def rows_of(file: Path) -> list[Row]:
    """Read the rows of a file. Raises ConfigError or DataError."""
    if not file.is_file():
        raise ConfigError(f"{file}: no such file")
    if not file.name.removesuffix(".gz").endswith(KINDS):
        raise ConfigError(f"{file}: expected a file of rows ({', '.join(KINDS)})")
    rows = list(read_file(file))
    if not rows:
        raise DataError(f"{file}: has no rows")
    return rows


def new_page(name: str, kind: Kind, file: Path, rows: Sequence[Row], columns: Columns, language: str) -> dict[str, Any]:
    """Make the page, for a place beside the file. Raises ConfigError or DataError for columns that do not fit."""
    named = [each for each in (columns.question, *columns.options, columns.answer, columns.tests) if each]
    for each in named:
        if each not in rows[0]:
            raise UnknownName(f"column of {file.name}", each, list(rows[0]))
        if not each.isidentifier() or each in _RESERVED:
            raise ConfigError(f"{file.name}: the column {each!r} is no name that a template can use; rename it")
    if kind == "code":
        plugins.load("language", language)
    data = {"path": f"./{file.name}", "split": "test", "columns": list(dict.fromkeys(named))}
    made = {"choice": _choice, "generation": _generation, "code": _code}[kind]
    return {"name": name, "version": 1, "data": data, **made(file, rows[:LOOKED_AT], columns, language)}


def _generation(file: Path, rows: Sequence[Row], columns: Columns, language: str) -> dict[str, Any]:
    answer = _needed(columns.answer, "--answer", "the right answer")
    values = [row.get(answer) for row in rows]
    if isinstance(values[0], list):
        reference: Any = f"{{{{ {answer} }}}}"
        gold = f"{{{{ {answer}[0] }}}}"
        values = [each for value in values if isinstance(value, list) for each in value]
    else:
        gold = f"{{{{ {answer} }}}}"
        reference = [gold]
    if all(str(value).count("####") == 1 for value in values):
        # Steps, then the answer, as GSM8K has them
        reference, values = [f"{{{{ {answer} | after('####') }}}}"], [str(value).split("####")[1] for value in values]
    numeric = all(_NUMBER.fullmatch(str(value).strip()) for value in values)
    one_line = not any("\n" in str(value).strip() for value in values)
    score = {"extract": "number", "numeric": True} if numeric else {"ignore_case": True}
    question = f"{{{{ {columns.question} }}}}"
    text = {"template": f"Question: {question}\nAnswer:", "stop": ["\n"] if one_line and not numeric else ["Question:"]}
    user = question if numeric else f"{question}\nAnswer with nothing but the answer."
    return {
        "reference": {"answer": reference},
        "gold": gold,
        "prompt": {"text": text, "chat": {"user": user}},
        "sampling": {"max_tokens": 512 if numeric else 64},
        "score": [{"by": "exact_match", **score}],
        "metric": ["mean"],
    }


def _choice(file: Path, rows: Sequence[Row], columns: Columns, language: str) -> dict[str, Any]:
    if not columns.options:
        raise ConfigError("which columns hold the options? Name one that holds a list, or several: --options a,b,c,d")
    answer = _needed(columns.answer, "--answer", "the right option")
    options, listed, labels = _options(rows[0], columns.options)
    return {
        "reference": {"choice": {"options": options, "gold": _gold(file, rows, columns, answer, listed, labels)}},
        "prompt": {"text": {"template": f"{{{{ {columns.question} }}}}\nAnswer:", "target": " {{ option }}"}},
        "ask": "loglikelihood",
        "score": [{"by": "choice"}],
        "metric": ["mean"],
    }


def _options(row: Row, names: Sequence[str]) -> tuple[str | list[str], str, str | None]:
    """`options`, the same as an expression of a list, and that of the options' labels where the row has some."""
    if len(names) > 1:
        return [f"{{{{ {name} }}}}" for name in names], f"[{', '.join(names)}]", None
    (name,) = names
    value = row[name]
    if isinstance(value, dict) and isinstance(value.get("text"), list):
        labels = f"{name}.label" if isinstance(value.get("label"), list) else None
        return f"{{{{ {name}.text }}}}", f"{name}.text", labels
    if not isinstance(value, list):
        raise DataError(f"the column {name!r} holds no list; name several columns: --options a,b,c,d")
    return f"{{{{ {name} }}}}", name, None


def _gold(file: Path, rows: Sequence[Row], columns: Columns, answer: str, listed: str, labels: str | None) -> str:
    """The template of the right option's index, by what the column holds: an index, a letter, a label or the text."""
    values = [row.get(answer) for row in rows]
    counts = [_count(row, columns.options) for row in rows]
    if labels is not None:
        return f"{{{{ {labels}.index({answer}) }}}}"
    texts = [str(value) for value in values]
    are_texts = all(text in map(str, _texts(row, columns.options)) for text, row in zip(texts, rows, strict=True))
    if all(text.isdecimal() for text in texts):
        numbers = [int(text) for text in texts]
        if are_texts and all(number <= count for number, count in zip(numbers, counts, strict=True)):
            raise DataError(
                f"{file.name}: the column {answer!r} may hold an option's text or its index ({texts[0]!r}); use letters"
            )
        from_0 = all(0 <= number < count for number, count in zip(numbers, counts, strict=True))
        from_1 = all(1 <= number <= count for number, count in zip(numbers, counts, strict=True))
        if from_0 and from_1:
            raise DataError(
                f"{file.name}: the column {answer!r} may count the options from 0 or from 1: of the first {len(rows)} "
                f"rows none has 0, nor the number of its options ({counts[0]} in the first row); use letters"
            )
        if from_0:
            return f"{{{{ {answer} }}}}"
        if from_1:
            return f"{{{{ {answer} | int - 1 }}}}"
    if all(text in LETTERS[:count] and len(text) == 1 for text, count in zip(texts, counts, strict=True)):
        return f"{{{{ '{LETTERS}'.index({answer}) }}}}"
    if are_texts:
        return f"{{{{ {listed}.index({answer}) }}}}"
    raise DataError(
        f"{file.name}: the column {answer!r} names no option: expected an index, a letter or an option's text, "
        f"found {values[0]!r:.60}"
    )


def _texts(row: Row, names: Sequence[str]) -> list[Any]:
    if len(names) > 1:
        return [row.get(name) for name in names]
    value = row.get(names[0])
    found = value.get("text") if isinstance(value, dict) else value
    return found if isinstance(found, list) else []


def _count(row: Row, names: Sequence[str]) -> int:
    return len(_texts(row, names))


def _code(file: Path, rows: Sequence[Row], columns: Columns, language: str) -> dict[str, Any]:
    tests = _needed(columns.tests, "--tests", "the tests")
    question, value = f"{{{{ {columns.question} }}}}", rows[0][tests]
    code = f"{{{{ {tests} | join('\\n') }}}}" if isinstance(value, list) else f"{{{{ {tests} }}}}"
    reference = {"language": language, "tests": code}
    text = {"template": f"{question}\n```{language}\n", "stop": ["```"]}
    user = f"{question}\nAnswer with the whole program in one code block."
    if language == "python" and _continues(rows[0], columns):
        # The prompt is the beginning of the function, and the solution the rest of it
        reference = {"language": language, "prelude": question, "tests": code}
        text = {"template": question, "stop": ["\nclass", "\ndef", "\n#", "\nif", "\nprint"]}
        user = (
            f"Complete this function. Answer with the whole function in one code block.\n\n```python\n{question}\n```"
        )
    if language == "python" and (call := _missing_call(file, rows[0], columns, str(value))):
        reference["tests"] += f"\n{call}"
    return {
        "reference": {"tests": reference},
        **({"gold": f"{{{{ {columns.answer} }}}}"} if columns.answer else {}),
        "prompt": {"text": text, "chat": {"user": user}},
        "sampling": {"max_tokens": 1024},
        "score": [{"by": "unit_tests"}],
        "metric": ["pass@1"],
    }


def _continues(row: Row, columns: Columns) -> bool:
    """Whether the solution is a program only behind the prompt."""
    solution, prompt = str(row[columns.answer]) if columns.answer else "", str(row[columns.question])
    return bool(solution) and not _compiles(solution) and _compiles(prompt + solution)


def _compiles(program: str) -> bool:
    try:
        ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _missing_call(file: Path, row: Row, columns: Columns, tests: str) -> str:
    """The call that tests in the form of HumanEval, `def check(candidate)`, leave to the page; empty for others."""
    if not re.search(r"(?m)^def check\(", tests) or re.search(r"(?m)^check\(", tests):
        return ""
    if "entry_point" in row:
        return "check({{ entry_point }})"
    for column in (columns.question, columns.answer):
        if column and len(_FUNCTION.findall(str(row[column]))) == 1:
            return f"check({{{{ {column}.split('def ')[1].split('(')[0] }}}})"
    raise DataError(
        f"{file.name}: the tests define check(candidate) and nothing says which function they check: add a column "
        "`entry_point` with its name"
    )


def _needed(column: str | None, flag: str, what: str) -> str:
    if column is None:
        raise ConfigError(f"which column holds {what}? Name it with {flag}")
    return column
