"""Where a row has its question, the way to its answer, and the answer; and the row with others in their place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from harness.config.task_page import QuestionParts, TaskPage
from harness.errors import DataError
from harness.perturb.structure import Calculation, NotRecognised, of_equation, of_solution, refuse_gaps, refuse_unknown

# Between columns of one question; in no text
BETWEEN = "\x1f"
_ANSWER_MARK = "####"
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?|-?\.\d+")
# Columns of known data sets: question, steps, equation, answer
KNOWN = (
    QuestionParts(question="question", steps="answer"),
    QuestionParts(question="question", steps="solution", answer="answer"),
    QuestionParts(question=["Body", "Question"], equation="Equation", answer="Answer"),
    QuestionParts(question=["body", "question"], equation="formula", answer="answer"),
    QuestionParts(question="sQuestion", equation="lEquations", answer="lSolutions"),
    QuestionParts(question="question", equation="equation", answer="answer"),
)


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A row and its parts."""

    columns: Mapping[str, Any]
    parts: QuestionParts

    @property
    def text(self) -> str:
        """The question; columns are joined by BETWEEN."""
        return BETWEEN.join(str(self.columns[name]) for name in _listed(self.parts.question))

    def calculations(self) -> tuple[Calculation, ...]:
        """The steps to the answer. Raises NotRecognised."""
        if self.parts.steps is not None:
            found = of_solution(str(self.columns[self.parts.steps]))
            if self.parts.answer is not None and _as_number(self._answer()) != found[-1].result:
                raise NotRecognised("the answer is not the result of the last step")
            return found
        assert self.parts.equation is not None
        if self.parts.answer is None:
            raise NotRecognised("there is no answer to compare the equation with")
        stated = _as_number(self._answer())
        return of_equation(str(_single(self.columns[self.parts.equation])), str(stated))

    def refuse_other_calculation(self, calculations: Sequence[Calculation]) -> None:
        """Raise NotRecognised where the calculations may be only a part of what the question asks for."""
        if self.parts.steps is not None:
            refuse_gaps(str(self.columns[self.parts.steps]))
        refuse_unknown(self.text, calculations)

    def _answer(self) -> str:
        assert self.parts.answer is not None
        return str(_single(self.columns[self.parts.answer]))

    def rewritten(self, text: str, steps: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Return the columns of another question: its text, and its steps as expression and result."""
        texts = text.split(BETWEEN)
        names = _listed(self.parts.question)
        if len(texts) < len(names):
            # A question of another text: whole in the last column, which ends with what is asked
            texts = [""] * (len(names) - 1) + [text]
        changed: dict[str, Any] = dict(self.columns) | dict(zip(names, texts, strict=True))
        answer = steps[-1][1]
        if self.parts.steps is not None:
            marked = "<<" in str(self.columns[self.parts.steps])
            lines = [f"{left}=<<{left}={right}>>{right}" if marked else f"{left}={right}" for left, right in steps]
            changed[self.parts.steps] = "\n".join([*lines, f"{_ANSWER_MARK} {answer}"])
        if self.parts.equation is not None:
            old = self.columns[self.parts.equation]
            formula = _nested(steps)
            closed = f"{formula}={answer}" if "=" in str(_single(old)) else formula
            changed[self.parts.equation] = [closed] if isinstance(old, list) else closed
        if self.parts.answer is not None:
            old = self.columns[self.parts.answer]
            new = _like(_single(old), answer)
            changed[self.parts.answer] = [new] if isinstance(old, list) else new
        return changed


def parts_of(page: TaskPage, columns: Mapping[str, Any]) -> QuestionParts:
    """Return where a row's parts are: as the page says, or as in known data sets.

    Raises DataError for a page that names a column that the row does not have, NotRecognised where nothing is found.
    """
    if page.perturb is not None:
        lacking = [name for name in _names(page.perturb) if name not in columns]
        if lacking:
            raise DataError(f"perturb: the row has no column {lacking[0]!r}; it has {', '.join(columns)}")
        return page.perturb
    for parts in KNOWN:
        if not all(name in columns for name in _names(parts)):
            continue
        ends = parts.answer is not None or parts.steps is None or _ANSWER_MARK in str(columns[parts.steps])
        if ends and (parts.steps is None or parts.answer is None or _ANSWER_MARK in str(columns[parts.steps])):
            return parts
    raise NotRecognised("no worked steps and no equation (the page's `perturb` names their columns)")


def _names(parts: QuestionParts) -> list[str]:
    return [*_listed(parts.question), *(name for name in (parts.steps, parts.equation, parts.answer) if name)]


def _listed(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _as_number(text: str) -> Fraction:
    found = _NUMBER.findall(text)
    if len(found) != 1:
        raise NotRecognised("the answer is no single number")
    return Fraction(found[0].replace(",", ""))


def _like(old: Any, answer: str) -> Any:
    """Another answer of the same type; in a text (`9 (apples)`) in the place of the number."""
    if isinstance(old, bool):
        raise NotRecognised("the answer is no single number")
    if isinstance(old, int | float):
        value = Fraction(answer)
        return int(value) if isinstance(old, int) and value.denominator == 1 else float(value)
    return _NUMBER.sub(answer, str(old), count=1)


def _nested(steps: Sequence[tuple[str, str]]) -> str:
    """One formula: that of the only step, or the steps behind one another."""
    return steps[0][0] if len(steps) == 1 else "; ".join(f"{left}={right}" for left, right in steps)
