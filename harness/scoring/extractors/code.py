"""The program in a completion.

After a text prompt the completion continues the prompt and is taken as it is (as the reference
evaluations of HumanEval do), unless the whole of it is in a fence, which is then removed. `verbatim` leaves the fence,
and takes a chat answer in the same way: what the model wrote behind the prefill, to the letter.

Marks around the whole answer (`[BEGIN]` ... `[DONE]`, `[PYTHON]` ... `[/PYTHON]`) are removed in both.

In a chat answer the program is, in this order:
1. of the fenced blocks in the task's language (or without one), the last that defines the requested function
   and is more than its repeated signature, one that parses before one that does not. The requested function
   is the reference's entry point, else what its tests call. "Last", because models correct themselves; a
   block of example calls after it defines nothing and is passed over;
2. what precedes a lone closing fence, if it defines that function (the prompt opened the fence);
3. the last block that defines anything, else the last block;
4. without any fence, the largest part that parses.

A Python program whose function is known is then completed from the other blocks and freed of what is not part of the
solution (`python_program.py`). In other languages imports of the other blocks are put before it, no more.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from harness.datatypes import ChatPrompt, Prompt, Sample, Tests, TextPrompt
from harness.errors import ConfigError
from harness.scoring.base import Extract
from harness.scoring.extractors import python_program, python_source
from harness.scoring.extractors.fences import Block, blocks
from harness.scoring.options import ExtractorOptions, checked_options

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


# What is at the top of a program and may be in a block of its own
_TOP = re.compile(
    r"\s*(?:#\s*include\b|using\b|import\b|use\b|require\b|(?:const|var|let)\b[^=]*=\s*require\(|//|$)[^{]*$",
    re.MULTILINE,
)
_BEGIN = re.compile(r"^[ \t]*\[(BEGIN|PYTHON|CODE|SOLUTION)\][ \t]*\n?", re.MULTILINE)
_END = re.compile(r"^[ \t]*\[(?:DONE|END|/PYTHON|/CODE|/SOLUTION)\][ \t]*$", re.MULTILINE)


class CodeOptions(ExtractorOptions):
    """`verbatim`: the completion to the letter; `until`: only what it has before this text."""

    verbatim: bool = False
    until: str = ""


def build(options: Mapping[str, Any]) -> Extract:
    """Build from CodeOptions. Raises ConfigError."""
    chosen = checked_options(CodeOptions, options, "extractor 'code'")
    if chosen.until and not chosen.verbatim:
        raise ConfigError("extractor 'code': `until` goes with `verbatim: true`")

    def read(text: str, prompt: Prompt, sample: Sample) -> str | None:
        if chosen.verbatim:
            written = text.removeprefix(prompt.prefill) if isinstance(prompt, ChatPrompt) else text
            kept = written.split(chosen.until, 1)[0] if chosen.until else written
            return kept if kept.strip() else None
        if not isinstance(prompt, TextPrompt):
            text = text.replace("\r\n", "\n")
        text = _without_marks(text)
        if not text.strip():
            return None
        if isinstance(prompt, TextPrompt):
            return _unfenced(text)
        tests = sample.reference if isinstance(sample.reference, Tests) else Tests(language="python")
        return _of_answer(text, tests)

    return read


def _unfenced(text: str) -> str | None:
    lines = text.strip().split("\n")
    if lines[0].lstrip()[:3] not in ("```", "~~~"):
        return text
    head, found = blocks(text)
    behind = lines[-1].strip() if found and found[0].closed else "```"
    whole = len(found) == 1 and not head.strip() and set(behind[-3:]) <= {"`", "~"}
    return (found[0].code or None) if whole else text


def _without_marks(text: str) -> str:
    """Return what is between the first mark that begins an answer and the next one that ends it."""
    if "[" not in text:
        return text
    begin = _BEGIN.search(text)
    if begin is not None:
        text = text[begin.end() :]
    end = _END.search(text)
    return text[: end.start()] if end is not None else text


def _of_answer(text: str, tests: Tests) -> str | None:
    names = _asked_for(tests)
    if tests.language != "python":
        return _of_blocks(*blocks(text), tests, names)
    found = _python_of(text, tests, names, in_strings=True)
    if found is not None and "```" in found and python_source.parsed(found) is None:
        # The string was never closed: its fences are fences after all
        plain = _python_of(text, tests, names, in_strings=False)
        return plain if plain is not None and python_source.parsed(plain) is not None else found
    return found


def _python_of(text: str, tests: Tests, names: Sequence[str], *, in_strings: bool) -> str | None:
    head, found = blocks(text, in_strings=in_strings)
    code = _of_blocks(head, found, tests, names)
    if code is None or not names:
        return code
    others = [python_program.without_prompts(block.code) for block in _fitting(found, "python") if block.code]
    if not any(python_source.defines(python_program.without_prompts(code), name) for name in names):
        return code
    return python_program.program(code, names, python_source.mentioned(tests.tests), others)


def _of_blocks(head: str, found: Sequence[Block], tests: Tests, names: Sequence[str]) -> str | None:
    python = tests.language == "python"
    if not found:
        if not python:
            return head.strip("\n")
        return python_source.cut_out(python_program.without_prompts(head), tuple(names))
    fitting = _fitting(found, tests.language)
    programs = [_aligned(block.code, names) for block in fitting if block.code]
    if python:
        programs = [python_program.without_prompts(code) for code in programs]
    defining = [code for code in programs if any(_defines(code, name, python) for name in names)]
    if defining:
        return _best(defining, names) if python else _with_imports(defining[-1], programs)
    if not found[0].language and any(_defines(head, name, python) for name in names):
        return python_source.cut_out(head, tuple(names)) if python else head.strip("\n")
    anything = [code for code in programs if python and re.search(r"^(?:async def|def|class)\s", code, re.M)]
    last = anything or programs
    return last[-1] if last else None


def _with_imports(code: str, programs: Sequence[str]) -> str:
    """Put the blocks that only import before the program, where it does not have them."""
    tops = [other for other in programs if other != code and all(map(_TOP.fullmatch, other.split("\n")))]
    missing = [line for top in tops for line in top.split("\n") if line.strip() and line not in code]
    return "\n".join([*dict.fromkeys(missing), code])


def _asked_for(tests: Tests) -> tuple[str, ...]:
    if tests.entry_point:
        return (tests.entry_point,)
    return python_source.called_names(tests.tests) if tests.language == "python" else ()


def _fitting(found: Sequence[Block], language: str) -> Sequence[Block]:
    """Return the blocks in the task's language or in none; all of them where that leaves nothing."""
    labels = {"", language, *_LABELS.get(language, ())}
    return [block for block in found if block.language in labels and block.code] or found


def _aligned(code: str, names: Sequence[str]) -> str:
    """Move a wholly indented definition of the requested function to the left edge; a bare body stays indented."""
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
