"""An article as sentences, each with its exact place, and as tables of numbers (model cards).

Guarantees: every sentence is the text between its two offsets, with runs of white space as one blank; nothing is
rewritten. English punctuation only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A full stop after these ends no sentence
ABBREVIATIONS = {
    "e.g", "i.e", "etc", "vs", "cf", "inc", "corp", "ltd", "co", "dr", "mr", "mrs", "ms", "prof", "fig", "no", "approx",
    "u.s", "u.k", "e.u", "a.m", "p.m", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov",
    "dec", "st",
}  # fmt: skip
# Longer lines are paragraphs, not lines that an editor wrapped
WRAPPED = 140
_END = re.compile(r"[.!?…]+[\"”’')\]]*(?=\s+[\"“‘'(\[]?[A-Z0-9*_`])")
_BULLET = re.compile(r"\s*(?:[-*+•–—]|\d+[.)])\s+")
_MARKUP = re.compile(r"^\s*(?:#{1,6}|>)\s*")
_HEADING = re.compile(r"^#{1,6}[ \t]+(\S.*)$", re.MULTILINE)
_HEAD = re.compile(r"\s*---[ \t]*\n(.*?)\n---[ \t]*(?:\n|$)", re.DOTALL)
_RULE = re.compile(r"^[\s|:+=-]+$")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence: `text` with single blanks, its first `line` (from 1), and its offsets in the article."""

    text: str
    line: int
    start: int
    end: int

    @property
    def ends(self) -> bool:
        """Whether it ends as a sentence does; a heading does not."""
        return self.text.rstrip("\"”’')]*_").endswith((".", "!", "?", "…"))


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a Markdown table: its header's cells and its own, and the row as a sentence."""

    header: tuple[str, ...]
    cells: tuple[str, ...]
    row: Sentence


def sentences_of(article: str) -> list[Sentence]:
    """Return the sentences of an article, without the rows of its tables."""
    found = []
    for start, end in _blocks(article):
        block, first = article[start:end], 0
        for match in _END.finditer(block):
            if not _is_abbreviation(block[: match.start() + 1]):
                found.append(sentence_at(article, start + first, start + match.end()))
                first = match.end()
        found.append(sentence_at(article, start + first, end))
    return [sentence for sentence in found if sentence.text]


def table_rows_of(article: str) -> list[TableRow]:
    """Return the rows of an article's Markdown tables."""
    rows: list[TableRow] = []
    header: tuple[str, ...] = ()
    for start, end in _lines(article):
        line = article[start:end]
        if "|" not in line or line.count("|") < 2:
            header = ()
        elif not header:
            header = _cells(line)
        elif not _RULE.match(line):
            rows.append(TableRow(header, _cells(line), sentence_at(article, start, end)))
    return rows


def front_matter_of(article: str) -> Sentence | None:
    """The head of a model card between two lines `---`, None where there is none."""
    match = _HEAD.match(article)
    return sentence_at(article, match.start(1), match.end(1)) if match else None


def headings_of(article: str) -> list[Sentence]:
    """The Markdown headings of an article, without their signs."""
    return [sentence_at(article, match.start(1), match.end(1)) for match in _HEADING.finditer(article)]


def is_verbatim(quote: str, article: str) -> bool:
    """Whether a quote is in an article, but for line breaks and repeated blanks."""
    return " ".join(quote.split()) in " ".join(article.split())


def sentence_at(article: str, start: int, end: int) -> Sentence:
    """The text between two offsets as a sentence."""
    text = article[start:end]
    start += len(text) - len(text.lstrip())
    return Sentence(" ".join(text.split()), article.count("\n", 0, start) + 1, start, start + len(text.strip()))


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip().strip("*_` ") for cell in line.strip().strip("|").split("|"))


def _lines(article: str) -> Iterator[tuple[int, int]]:
    start = 0
    for line in article.splitlines(keepends=True):
        yield start, start + len(line.rstrip("\r\n"))
        start += len(line)


def _blocks(article: str) -> Iterator[tuple[int, int]]:
    """Offsets of the texts that sentences do not cross: paragraphs, list items, headings."""
    lines = [(start, end) for start, end in _lines(article)]
    longest = max((end - start for start, end in lines), default=0)
    open_block: tuple[int, int] | None = None
    for start, end in lines:
        line = article[start:end]
        own = _MARKUP.match(line) or _BULLET.match(line)
        ends = not line.strip() or ("|" in line and line.count("|") > 1) or own is not None
        if open_block is not None and (ends or not _goes_on(article[slice(*open_block)], longest)):
            yield open_block
            open_block = None
        if not line.strip() or ("|" in line and line.count("|") > 1):
            continue
        start += own.end() if own else 0
        open_block = (start, end) if open_block is None else (open_block[0], end)
    if open_block is not None:
        yield open_block


def _goes_on(block: str, longest: int) -> bool:
    """Whether a line that was wrapped by an editor goes on in the next one; a heading does not."""
    last = block.rsplit("\n", 1)[-1].rstrip()
    return longest <= WRAPPED and len(last) > longest / 2


def _is_abbreviation(text: str) -> bool:
    word = re.split(r"[\s(\[\"“]", text.rstrip(".!?…"))[-1].casefold()
    return text.endswith(".") and (word in ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word not in "ai"))
