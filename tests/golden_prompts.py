"""The first three prompts of each task page, as a base and a chat tokenizer render them, without the data in them.

    python tests/golden_prompts.py --mirror ../shared/data --tokenizers ../shared/tokenizers     (or `make golden`)

writes `tests/golden/prompts/PAGE.txt`. The data of others must not enter the repository, so a file has of each prompt
its sha256, its length, and its lines; what is not written in the page itself is a hash: `~hash*length`. A changed
template, shot, separator or special token changes the file, and the hashes show the line. Pages with rows of our own
have their prompts in full.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.catalog import Binder, Task
from harness.config import pages
from harness.config.task_page import TaskPage
from harness.config.yaml_page import YamlPage
from harness.data.rows import Loader, find_in_mirror, is_file_name
from harness.datatypes import ChatPrompt, LikelihoodRequest, Message, Prompt, Request, RollingRequest, Style
from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.errors import DataError, HarnessError
from harness.page_scorers import page_scorers
from harness.scoring.base import Tools

FOLDER = Path(__file__).resolve().parent / "golden" / "prompts"
PROMPTS = 3
# A base tokenizer that adds a BOS, and a chat tokenizer that writes a system text of its own
TOKENIZERS: dict[Style, str] = {"text": "mistral-7b", "chat": "qwen2.5"}
EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)


# --- pages and their data ------------------------------------------------------------------------


def missing_splits(page: TaskPage, folder: Path, mirror: Path) -> list[str]:
    """Return the splits that a page reads and the mirror does not have."""
    names = page.data.name if isinstance(page.data.name, list) else [page.data.name]
    wanted: list[tuple[str, str | None, str]] = [(page.data.path, name, page.data.split) for name in names]
    shots = page.fewshot
    if shots is not None and shots.split is not None and shots.count:
        source = shots.data or page.data
        names = source.name if isinstance(source.name, list) else [source.name]
        wanted += [(source.path, name, shots.split) for name in names]
    return [f"{path} {name or ''} {split}" for path, name, split in wanted if not _is_there(path, name, split, mirror)]


def _is_there(path: str, name: str | None, split: str, mirror: Path) -> bool:
    if is_file_name(path):
        return True
    try:
        find_in_mirror(mirror, path, name, split)
    except DataError:
        return False
    return True


def styles(page: TaskPage) -> list[Style]:
    """Return the styles that a page has prompts for."""
    every: list[tuple[Style, Any]] = [("text", page.prompt.text), ("chat", page.prompt.chat)]
    return [style for style, section in every if section is not None]


def bound(page: TaskPage, source: YamlPage, style: Style, loader: Loader, tools: Tools, limit: int) -> Task:
    """Bind the first rows of a page."""
    return Binder(loader, style, limit, insists=True).bind(page, source, page_scorers(page, source, tools))


# --- one prompt as lines -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shown:
    """A request as text, in named parts: its prompt as it is tokenised, and what follows it."""

    parts: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        """sha256 over all parts."""
        return hashlib.sha256("\0".join(f"{name}\0{text}" for name, text in self.parts).encode()).hexdigest()


def shown(request: Request, encoder: PromptEncoder) -> Shown:
    """Render a request with its special tokens."""
    if isinstance(request, RollingRequest):
        return Shown((("text", request.text),))
    if not isinstance(request, LikelihoodRequest):
        return Shown((("prompt", _with_bos(request.prompt, encoder)),))
    parts: list[tuple[str, str]] = []
    contexts = request.contexts or (request.prompt,)
    for number, context in enumerate(dict.fromkeys(contexts)):
        parts.append((f"prompt {number}" if len(set(contexts)) > 1 else "prompt", _with_bos(context, encoder)))
    parts += [(f"continuation {number}", text) for number, text in enumerate(request.continuations)]
    return Shown(tuple(parts))


def _with_bos(prompt: Prompt, encoder: PromptEncoder) -> str:
    encoded, bos = encoder.encode(prompt), encoder.tokenizer.bos_token
    added = bos and encoded.ids[:1] == (encoder.tokenizer.bos_token_id,) and not encoded.text.startswith(bos)
    return f"{bos}{encoded.text}" if added else encoded.text


class Masked:
    """Shows a text line by line: what a page or the chat template writes itself as it is, the rest as hashes."""

    def __init__(self, page: TaskPage, encoder: PromptEncoder) -> None:
        """Collect the texts of a page."""
        self.everything = is_file_name(page.data.path)
        self.special = [token for token in encoder.tokenizer.all_special_tokens if token]
        templates = list(_texts(page.model_dump(exclude={"about", "source", "tags", "languages", "score"})))
        lines = {line for text in templates for line in text.split("\n")}
        self.own = {line for line in lines if "{{" not in line and "{%" not in line}
        self.patterns = [_pattern(line) for line in sorted(lines, key=len, reverse=True) if _says_something(line)]
        if encoder.template:
            self.own |= {piece for line in _frame(encoder).split("\n") for piece in self._pieces(line)}

    def lines(self, text: str) -> Iterator[str]:
        """Yield each line; special tokens stay."""
        for line in text.split("\n"):
            yield "".join(self._piece(piece) for piece in self._pieces(line))

    def _pieces(self, line: str) -> list[str]:
        if not self.special:
            return [line]
        return [piece for piece in re.split(f"({'|'.join(map(re.escape, self.special))})", line) if piece]

    def _piece(self, text: str) -> str:
        if self.everything or text in self.own or text in self.special:
            return text
        for pattern in self.patterns:
            if match := pattern.fullmatch(text):
                spans, at, kept = [match.span(group) for group in range(1, match.re.groups + 1)], 0, []
                for begin, end in spans:
                    kept += [text[at:begin], self._value(text[begin:end])]
                    at = end
                return "".join([*kept, text[at:]])
        return self._value(text)

    def _value(self, text: str) -> str:
        if not text or text in self.own:
            return text
        return f"~{hashlib.sha256(text.encode()).hexdigest()[:8]}*{len(text)}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _says_something(line: str) -> bool:
    return "{{" in line and "{%" not in line and EXPRESSION.sub("", line).strip() != ""


def _pattern(line: str) -> re.Pattern[str]:
    return re.compile("(.*?)".join(map(re.escape, EXPRESSION.split(line))), re.DOTALL)


def _frame(encoder: PromptEncoder) -> str:
    """What the chat template writes around an empty question."""
    return encoder.render(ChatPrompt((Message("user", ""), Message("assistant", ""), Message("user", ""))))


# --- files ---------------------------------------------------------------------------------------


def golden(page: TaskPage, tasks: dict[Style, Task], encoders: dict[Style, PromptEncoder]) -> str:
    """Return the content of a page's file."""
    lines = ["# Made by `make golden`. ~hash*length: a text that is not the page's own (tests/golden_prompts.py)."]
    for style, task in tasks.items():
        masked = Masked(page, encoders[style])
        for number, request in enumerate(first_requests(task)):
            found = shown(request, encoders[style])
            lines += ["", f"== {style}, {TOKENIZERS[style]}, prompt {number}, sha256 {found.digest}"]
            for name, text in found.parts:
                lines.append(f"-- {name}, {len(text)} characters")
                lines += [f"| {line}" for line in masked.lines(text)]
    return "\n".join(lines) + "\n"


def first_requests(task: Task) -> list[Request]:
    """Return the first request of each of the first samples."""
    return [request for request in task.requests if request.repeat == 0][:PROMPTS]


def encoders(folder: Path) -> dict[Style, PromptEncoder]:
    """Open the tokenizers."""
    from transformers import AutoTokenizer

    return {style: PromptEncoder(AutoTokenizer.from_pretrained(folder / name)) for style, name in TOKENIZERS.items()}


def main(arguments: Sequence[str]) -> int:
    """Write the files of all pages with data in the mirror, or of those that are named; 1 if a page has a fault."""
    parser = argparse.ArgumentParser(description="Write tests/golden/prompts/PAGE.txt.")
    parser.add_argument("pages", nargs="*")
    parser.add_argument("--mirror", type=Path, required=True)
    parser.add_argument("--tokenizers", type=Path, required=True)
    given = parser.parse_args(arguments)
    from harness.execution.base import Limits
    from harness.scoring.services import Services

    FOLDER.mkdir(exist_ok=True)
    if not given.pages:
        for path in FOLDER.glob("*.txt"):
            path.unlink()
    faults = 0
    known, services = encoders(given.tokenizers), Services("auto", Limits())
    for name in given.pages or pages.index("tasks"):
        page, source = pages.task_page(name)
        if missing := missing_splits(page, source.path.parent, given.mirror):
            print(f"{name}: not in the mirror: {', '.join(missing[:3])}")
            continue
        loader = Loader(given.mirror)
        try:
            tasks = {style: bound(page, source, style, loader, services.tools(), PROMPTS) for style in styles(page)}
            (FOLDER / f"{name}.txt").write_text(golden(page, tasks, known), encoding="utf-8")
        except HarnessError as error:
            print(error)
            faults += 1
    services.close()
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
