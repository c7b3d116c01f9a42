r"""Answers to MATH in one writing, by the rules of the Minerva paper (Lewkowycz et al. 2022, appendix D).

Lists and patterns are the paper's (arXiv:2206.14858), in its order, with the corrections of lm-evaluation-harness
0.4.13, whose numbers come out: a unit is removed as a word before white space goes, and inside no command (`\left`
keeps its "ft"); `\sqrt[3]8` keeps its index; commas go only where they group thousands.
"""

from __future__ import annotations

import re

from harness.scoring.extractors.latex import last_boxed

_REPLACED = (
    ("an ", ""),
    ("a ", ""),
    (".$", "$"),
    (r"\$", ""),
    ("\\ ", ""),
    (" ", ""),
    ("mbox", "text"),
    (r",\text{and}", ","),
    (r"\text{and}", ","),
    (r"\text{m}", r"\text{}"),
)
_REMOVED = (
    *("square", "ways", "integers", "dollars", "mph", "inches", "ft", "hours", "km", "units", r"\ldots", "sue"),
    *("points", "feet", "minutes", "digits", "cents", "degrees", "cm", "gm", "pounds", "meters", "meals", "edges"),
    *("students", "childrentickets", "multiples", r"\text{s}", r"\text{.}", "\\text{\ns}", r"\text{}^2", r"\text{}^3"),
    *("\\text{\n}", r"\text{}", r"\mathrm{th}", r"^\circ", r"^{\circ}", r"\;", r",\!", "{,}", '"', r"\dots"),
)
_UNIT_WORDS = [re.compile(rf"(?<!\\)\b{word}\b") for word in _REMOVED if word.isalpha()]
_COMMAND = re.compile(r"(\\[a-zA-Z]+)")
_REWRITTEN = (
    # The first formula, what is in text, bold, overlined or in a box
    (re.compile(r".*?\$(.*?)\$.*"), r"$\1$"),
    (re.compile(r"\\text\{(.*?)\}"), r"\1"),
    (re.compile(r"\\textbf\{(.*?)\}"), r"\1"),
    (re.compile(r"\\overline\{(.*?)\}"), r"\1"),
    (re.compile(r"\\boxed\{(.*)\}"), r"\1"),
    # Arguments without braces
    (re.compile(r"frac([^{])(.)"), r"frac{\1}{\2}"),
    (re.compile(r"sqrt(\[[^\]]*\])(\w)"), r"sqrt\1{\2}"),
    (re.compile(r"sqrt(?!\[)([^{])"), r"sqrt{\1}"),
)
_THOUSANDS = re.compile(r"-?\d{1,3}(,\d{3})+")
_BRACES = re.compile(r"[{}]")
_ALIGNED = re.compile(r"\\begin\{align\*\}.*?\\end\{align\*\}", re.DOTALL)
_BOX = re.compile(r"\\(?:boxed|fbox)\{")


def normalised(answer: str) -> str:
    """Return an answer in Minerva's writing."""
    text = answer.rpartition("=")[2]
    for unit in _UNIT_WORDS:
        text = unit.sub("", text)
    for old, new in _REPLACED:
        text = text.replace(old, new)
    for removed in _REMOVED:
        text = _without_word(text, removed) if removed.isalpha() else text.replace(removed, "")
    for pattern, new in _REWRITTEN:
        text = pattern.sub(new, text)
    text = text.replace("$", "")
    return text.replace(",", "") if _THOUSANDS.fullmatch(text) else text


def _without_word(text: str, word: str) -> str:
    parts = _COMMAND.split(text)
    # Every second part is a command
    parts[::2] = [part.replace(word, "") for part in parts[::2]]
    return "".join(parts)


def boxes(solution: str) -> list[str]:
    r"""Return what each `\boxed{...}` and `\fbox{...}` of a solution holds, in order; of nested ones the outer."""
    found: list[str] = []
    at = 0
    while (opening := _BOX.search(solution, at)) is not None:
        content = _group(solution, opening.end() - 1)
        if content is None:
            break
        found.append(content)
        at = opening.end() + len(content)
    return found


def right_answers(solution: str) -> list[str]:
    """Return what the last box of a solution of MATH holds, then all boxes that are one answer together where two are.

    Those are boxes that a connector joins, and boxes in the lines of one aligned formula. Raises ValueError for a
    solution without a box.
    """
    last = last_box(solution)
    if last is None:
        raise ValueError("the solution has no box")
    lines = next((held for block in _ALIGNED.findall(solution) if len(held := boxes(block)) > 1), None)
    together = last_boxed(solution) if lines is None else ", ".join(lines)
    return [last] if together is None or together.strip() == last.strip() else [last, together]


def last_box(solution: str) -> str | None:
    r"""Return what the last `\boxed{...}` of a solution of MATH holds (or `\boxed 5`, or `\fbox{...}`), else None."""
    if r"\boxed " in solution:
        return solution.rpartition(r"\boxed ")[2].partition("$")[0]
    start = next((at for at in map(solution.rfind, (r"\boxed{", r"\fbox{")) if at >= 0), None)
    return None if start is None else _group(solution, solution.index("{", start))


def _group(text: str, opened: int) -> str | None:
    """The text between the brace at `opened` and the one that closes it."""
    depth = 0
    for brace in _BRACES.finditer(text, opened):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return text[opened + 1 : brace.start()]
    return None
