"""Makes a page from a file of rows and the names of its columns: the shortest one that says what the task is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from harness.data.rows import KINDS, Row, read_file
from harness.errors import ConfigError, DataError, UnknownName

Kind = Literal["choice", "generation", "code"]
KIND_NAMES: tuple[str, ...] = get_args(Kind)
LETTERS = "ABCDEFGHIJ"
# Rows that are looked at to see what a column holds
LOOKED_AT = 200
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


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
        if not _NAME.fullmatch(each):
            raise ConfigError(f"{file.name}: the column {each!r} is no name that a template can use; rename it")
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
    numeric = all(re.fullmatch(r"-?[\d,]*\.?\d+", str(value).strip()) for value in values)
    score = {"extract": "number", "numeric": True} if numeric else {"ignore_case": True}
    question = f"{{{{ {columns.question} }}}}"
    text = {"template": f"Question: {question}\nAnswer:", "stop": ["\n"] if not numeric else ["Question:"]}
    asked = question if numeric else f"{question}\nAnswer with nothing but the answer."
    return {
        "reference": {"answer": reference},
        "gold": gold,
        "prompt": {"text": text, "chat": {"user": asked}},
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
        if all(0 <= number < count for number, count in zip(numbers, counts, strict=True)):
            return f"{{{{ {answer} }}}}"
        if all(1 <= number <= count for number, count in zip(numbers, counts, strict=True)):
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
    value = rows[0][tests]
    question = f"{{{{ {columns.question} }}}}"
    made: dict[str, Any] = {
        "reference": {
            "tests": {
                "language": language,
                "tests": f"{{{{ {tests} | join('\\n') }}}}" if isinstance(value, list) else f"{{{{ {tests} }}}}",
            }
        }
    }
    if columns.answer:
        made["gold"] = f"{{{{ {columns.answer} }}}}"
    text = {"template": f"{question}\n```{language}\n", "stop": ["```"]}
    return {
        **made,
        "prompt": {"text": text, "chat": {"user": f"{question}\nAnswer with the whole program in one code block."}},
        "sampling": {"max_tokens": 1024},
        "score": [{"by": "unit_tests"}],
        "metric": ["pass@1"],
    }


def _needed(column: str | None, flag: str, what: str) -> str:
    if column is None:
        raise ConfigError(f"which column holds {what}? Name it with {flag}")
    return column
