"""The program in a completion.

After a text prompt the completion continues the prompt and is taken to the letter (as the reference
evaluations of HumanEval do), unless the whole of it stands in a fence, which is then removed.

In a chat answer the program is, in this order:
1. of the fenced blocks in the task's language (or without one), the last that defines the function asked for
   and is more than its repeated signature, one that parses before one that does not. The function asked for
   is the reference's entry point, else what its tests call. "Last", because models correct themselves; a
   block of example calls after it defines nothing and is passed over;
2. what stands before a lone closing fence, if it defines that function (the prompt opened the fence);
3. the last block that defines anything, else the last block;
4. without any fence, the largest part that parses.

Not done: a helper in one block and its use in another are not put together; example calls and the model's own
asserts inside the chosen block stay.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from harness.datatypes import Prompt, Sample, Tests, TextPrompt
from harness.scoring.base import Extract
from harness.scoring.extractors import python_source
from harness.scoring.extractors.base import reading
from harness.scoring.extractors.fences import Block, blocks
from harness.scoring.options import Options

# What models write behind a fence for a language, where it is not the language's own name.
_LABELS = {
    "python": ("py", "python3", "py3", "ipython", "pycon"),
    "cpp": ("c++", "cc", "cxx"),
    "javascript": ("js", "node", "mjs"),
    "typescript": ("ts",),
    "go": ("golang",),
    "rust": ("rs",),
    "ruby": ("rb",),
    "perl": ("pl",),
    "bash": ("sh", "shell"),
}


def build(options: Mapping[str, Any]) -> Extract:
    """Options: strip_reasoning."""

    def read(text: str, prompt: Prompt, sample: Sample) -> str | None:
        if not text.strip():
            return None
        if isinstance(prompt, TextPrompt):
            return _unfenced(text)
        tests = sample.reference if isinstance(sample.reference, Tests) else Tests(language="python")
        return _of_answer(text, tests)

    return reading(Options(options, "extractor 'code'"), read)


def _unfenced(text: str) -> str | None:
    lines = text.strip().split("\n")
    if lines[0].lstrip()[:3] not in ("```", "~~~"):
        return text
    head, found = blocks(text)
    behind = lines[-1].strip() if found and found[0].closed else "```"
    whole = len(found) == 1 and not head.strip() and set(behind[-3:]) <= {"`", "~"}
    return (found[0].code or None) if whole else text


def _of_answer(text: str, tests: Tests) -> str | None:
    text = text.replace("\r\n", "\n")
    names = _asked_for(tests)
    python = tests.language == "python"
    head, found = blocks(text)
    if not found:
        return python_source.cut_out(text, names) if python else text.strip("\n")
    fitting = _fitting(found, tests.language)
    programs = [_aligned(block.code, names) for block in fitting if block.code]
    defining = [code for code in programs if any(_defines(code, name, python) for name in names)]
    if defining:
        return _best(defining, names) if python else defining[-1]
    if not found[0].language and any(_defines(head, name, python) for name in names):
        return python_source.cut_out(head, names) if python else head.strip("\n")
    anything = [code for code in programs if python and re.search(r"^(?:async def|def|class)\s", code, re.M)]
    last = anything or programs
    return last[-1] if last else None


def _asked_for(tests: Tests) -> tuple[str, ...]:
    if tests.entry_point:
        return (tests.entry_point,)
    return python_source.called_names(tests.tests) if tests.language == "python" else ()


def _fitting(found: Sequence[Block], language: str) -> Sequence[Block]:
    """Return the blocks in the task's language or in none; all of them where that leaves nothing."""
    labels = {"", language, *_LABELS.get(language, ())}
    return [block for block in found if block.language in labels and block.code] or found


def _aligned(code: str, names: Sequence[str]) -> str:
    """Move a wholly indented definition of what is asked for to the left edge; a bare body stays indented."""
    moved = textwrap.dedent(code)
    if moved != code and any(python_source.defines(moved, name) for name in names):
        return moved
    return code


def _best(programs: Sequence[str], names: Sequence[str]) -> str:
    if len(programs) == 1:
        return programs[0]
    full = [code for code in programs if not any(python_source.is_stub(code, name) for name in names)]
    whole = [code for code in full if python_source.parsed(code) is not None]
    return (whole or full or programs)[-1]


def _defines(code: str, name: str, python: bool) -> bool:
    if python:
        return python_source.defines(code, name)
    return re.search(rf"\b{re.escape(name)}\b\s*[(<=:]", code) is not None
