"""Completions that both sides score: gold ones, the same in other words, wrong, malformed and empty ones.

Each has a kind, by which differences are named. They are chosen to reach the branches of extractors: marks, units,
signs, digits of other scripts, fences, text behind the answer, several candidates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.datatypes import Answer, Choice, Sample, Tests

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
WIDE_DIGITS = str.maketrans("0123456789", "０１２３４５６７８９")


def completions(sample: Sample, other: Sample) -> Iterator[tuple[str, str]]:
    """Yield (kind, text) for a sample; `other` is a sample whose answer is a wrong one here, as a rule."""
    gold = sample.gold if sample.gold is not None else ""
    wrong = other.gold if other.gold is not None else ""
    yield "gold", gold
    yield "gold, text behind", f"{gold}\n\nI hope this helps!"
    yield "gold, blank before", f"\n\n {gold}"
    yield "gold of another", wrong
    yield "empty", ""
    yield "blank", " \n\n"
    reference = sample.reference
    if isinstance(reference, Tests):
        yield from _programs(gold)
        return
    yield "malformed: open box", r"so \boxed{"
    yield "malformed: marks only", "#### \n$$ $ ```"
    yield "malformed: letters of other scripts", "答案是 الجواب ответ"
    yield "malformed: very long number", "9" * 400
    yield "gold, twice", f"{gold}\n\n{gold}"
    if isinstance(reference, Choice):
        index = reference.gold
        yield from _choices(LETTERS[index], LETTERS[(index + 1) % len(reference.options)], reference.options[index])
    elif isinstance(reference, Answer):
        answer = reference.values[0]
        not_it = other.reference.values[0] if isinstance(other.reference, Answer) else "0"
        yield from _answers(answer, not_it)


def kinds() -> set[str]:
    """Return the names of all kinds."""
    references = (Answer(("7",)), Choice(("a", "b"), 0), Tests("python"))
    samples = [Sample("0", {}, reference, "") for reference in references]
    return {kind for sample in samples for kind, _ in completions(sample, sample)}


def _answers(answer: str, wrong: str) -> Iterator[tuple[str, str]]:
    yield "bare", answer
    yield "bare, blank before", f" {answer}"
    yield "bare, lower", answer.lower()
    yield "bare, upper", answer.upper()
    yield "bare, point", f"{answer}."
    yield "the answer is", f"The answer is {answer}."
    yield "the answer is, no point", f"So the answer is {answer}"
    yield "the answer is, wrong", f"The answer is {wrong}."
    yield "answer:", f"Answer: {answer}"
    yield "bold", f"**Answer:** **{answer}**"
    yield "minerva", f"Final Answer: The final answer is ${answer}$. I hope it is correct."
    yield "minerva, wrong", f"Final Answer: The final answer is ${wrong}$. I hope it is correct."
    yield "boxed", rf"Hence we get $\boxed{{{answer}}}$."
    yield "boxed, wrong", rf"Hence we get $\boxed{{{wrong}}}$."
    yield "boxed twice", rf"\boxed{{{wrong}}} is tempting, but it is \boxed{{{answer}}}."
    yield "dollars around", f"It is ${answer}$."
    yield "display", f"\\[ {answer} \\]"
    yield "hashes", f"#### {answer}"
    yield "hashes, no space", f"####{answer}"
    yield "hashes, wrong", f"#### {wrong}"
    yield "hashes, text behind", f"#### {answer}\nThat was easy; now 12 more."
    yield "currency", f"She makes ${answer} every day."
    yield "unit", f"The answer is {answer} dollars."
    yield "percent", f"#### {answer}%"
    yield "equation", f"x = {answer}"
    yield "negative", f"#### -{answer}"
    yield "decimal", f"#### {answer}.0"
    yield "corrected", f"The answer is {wrong}. No, wait: the answer is {answer}."
    yield "spoilt", f"The answer is {answer}. No, wait: the answer is {wrong}."
    yield "in a fence", f"```\n{answer}\n```"
    yield "json", f'{{"answer": "{answer}"}}'
    yield "arabic digits", f"#### {answer}".translate(ARABIC_DIGITS)
    yield "wide digits", f"The answer is {answer}.".translate(WIDE_DIGITS)
    whole = re.fullmatch(r"-?\d+", answer)
    if whole and abs(int(answer)) < 10**15:
        yield "plus one", f"#### {int(answer) + 1}"
        yield "thousands", f"The answer is {int(answer):,}."
        yield "leading zeros", f"#### 00{answer}"


def _choices(letter: str, wrong: str, option: str) -> Iterator[tuple[str, str]]:
    yield "letter", letter
    yield "letter, blank before", f" {letter}"
    yield "letter, point", f"{letter}."
    yield "letter, brackets", f"({letter})"
    yield "letter, lower", letter.lower()
    yield "letter, wrong", wrong
    yield "the answer is letter", f"The answer is {letter}."
    yield "the answer is (letter)", f"So the answer is ({letter})."
    yield "the answer is (letter), wrong", f"So the answer is ({wrong})."
    yield "answer: letter", f"Answer: {letter}"
    yield "letter, boxed", rf"\boxed{{{letter}}}"
    yield "letter, bold", f"**{letter}**"
    yield "letter and option", f"{letter}) {option}"
    yield "option", option
    yield "corrected", f"The answer is ({wrong}). No, wait: the answer is ({letter})."
    yield "spoilt", f"The answer is ({letter}). No, wait: the answer is ({wrong})."
    yield "both", f"{wrong} or {letter}"


def _programs(gold: str) -> Iterator[tuple[str, str]]:
    yield "program in a fence", f"```python\n{gold}\n```"
    yield "program in a fence, prose around", f"Here is the solution:\n\n```python\n{gold}\n```\n\nIt works."
    yield "program, prose behind", f"{gold}\n\nThis function works as follows."
    yield "program, fence behind", f"{gold}\n```"
    yield "program, failing line behind", f"{gold}\nassert False\n"
    yield "program, exit behind", f"{gold}\nimport sys\nsys.exit(0)\n"
    yield "malformed: cut off", "    return ("
    yield "malformed: not a program", "I cannot answer that."
    yield "wrong: pass", "    pass\n"
