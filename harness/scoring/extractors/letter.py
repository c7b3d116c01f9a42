"""The letter of the option that the model names, where a question shows options as A, B, C, ...

Each letter that appears as a label is looked at with the words around it: announced ("the answer is C", "C is the
correct answer", a box, a JSON field, a line of its own), rejected ("not A", "A and B fail", "neither A nor B") or
neither. Read is the first of these that exists, and of several the last:

1. an announced letter;
2. a letter at the start of the completion;
3. a letter that a weaker phrase chooses ("I pick C", "so C", "it must be C");
4. a letter in brackets, then a capital by itself.

Rejected letters never count, nor do the article "A", the pronoun "I", letters that belong to a noun ("vitamin C"), a
repetition of the options, and letters that the sample has no option for. Two letters announced together ("A or C") are
no answer. A lower-case letter counts alone, in brackets, with a full stop at the start, or announced.

Labels of other scripts (أ, Б, ক, ...) are read by their position. Cyrillic and Greek capitals that look like Latin
ones are Latin where the prompt shows Latin labels. The answer is always the Latin letter of that position.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.datatypes import Choice, Prompt, Sample, TextPrompt
from harness.scoring.base import Extract
from harness.scoring.extractors import letter_words as words
from harness.scoring.options import ExtractorOptions, checked_options

# Looked at around a letter, in characters; and how many letters of a long completion: its first, and its last
_BEFORE, _AFTER, _MOST = 120, 120, 400
# An announcement is looked for in so many characters at the end first; letters of one group are at most so far apart
_TAIL, _JOINT = 300, 40

_EDGE = "0-9A-Za-zÀ-ɏͰ-ϿЀ-ӿ_"
# Capitals; of small letters those that can be labels: before a mark or an end, or behind "option"
_LABEL = re.compile(
    # What is behind the letter goes first: it rules out nearly every letter of a text
    rf"([A-Za-z])(?![{_EDGE}&/+#=]|[’'](?:s|m|ll|ve|re|d|t)\b|-[{_EDGE}]|\.[{_EDGE}]\.)"
    rf"(?<![{_EDGE}&/+#.\-].)(?<![{_EDGE}][’'].)"
    r"(?:(?<=[A-Z])|(?=[)\]}\"'”»$.,:;!?。،؛।\n<]|\s*\Z)|(?<=option .)|(?<=choice .)|(?<=letter .))"
)
_NATIVE = re.compile(
    "|".join(rf"(?<![^\W_])[{letters}](?:ـ|\u0301)?(?![^\W_])" for letters in words.NATIVE[:-2])
    + rf"|(?<![^\W_])[{words.NATIVE[-2]}{words.NATIVE[-1]}](?![^\W_])"
)
_LATIN_LOOK = str.maketrans("АВСЕНКМОРТХΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABCEHKMOPTXABEZHIKMNOPTYX")
_STYLING = re.compile(r"\\(?:text(?:bf|it|rm|sf)?|math(?:rm|bf|sf|it)|mbox|boldsymbol|bf)\s*\{([^{}]{0,200})\}")
_EMPHASIS = re.compile(r"[*`]+|(?<![^\W_])_+|_+(?![^\W_])")
_WIDE = re.compile("[\uff00-\uff5e]+")
_ALONE = re.compile(r"\s*[(\[]?([A-Za-z])[)\]]?[.:]?\s*")
# The commonest sentences with one letter and no word that could reject it or be another label
_SHORT = re.compile(
    r"\s*(?:(?:(?:So|Thus|Therefore|Hence),? )?(?:[Tt]he )?(?:correct |best |right |final )?"
    r"(?:answer|option|choice) is(?: |: ?)"
    r"|(?:Final )?[Aa]nswer: ?)[(\[]?([A-Z])[)\]]?\.?\s*"
    r"|\s*Option ([A-Z]) is (?:the )?(?:correct|right|best)(?: answer| option| choice)?\.?\s*"
)
_SENTENCE_END = re.compile(r"[.!?。](?=\s|\Z)|\n\s*\n(?!\Z)")
_OPENING = "([{\"'“«「『<$"


@dataclass(slots=True)
class _Label:
    """One letter in the text, with what the words around it make of it."""

    letter: str
    start: int
    end: int
    lower: bool
    bracketed: bool
    # announced, chosen, rejected, undecided, several, word or nothing
    status: str = ""
    listed: bool = False


def build(options: Mapping[str, Any]) -> Extract:
    """Build from ExtractorOptions. Raises ConfigError."""
    checked_options(ExtractorOptions, options, "extractor 'letter'")

    def read(text: str, prompt: Prompt, sample: Sample) -> str | None:
        choices = sample.reference.options if isinstance(sample.reference, Choice) else ()
        return _read(_plain(text), prompt, choices, len(choices) or len(string.ascii_uppercase))

    return read


def _read(text: str, prompt: Prompt, choices: Sequence[str], count: int) -> str | None:
    if alone := _ALONE.fullmatch(text) or _SHORT.fullmatch(text):
        # The commonest answers, without a look at their words
        letter = alone.group(alone.lastindex or 1).upper()
        return letter if string.ascii_uppercase.index(letter) < count else None
    if len(text) > 2 * _TAIL:
        # Most long texts end with their announcement: what is before need not be looked at
        start = len(text) - _TAIL
        groups = list(_groups(list(_labels(text, prompt, count, start)), text))
        if groups and groups[0][0].start - start <= _JOINT:
            # it may go on before the tail
            del groups[0]
        if final := _announced(groups, text):
            return final.letter if final.status == "announced" else None
    labels = list(_labels(text, prompt, count))
    if final := _announced(list(_groups(labels, text)), text):
        return final.letter if final.status == "announced" else None
    _mark_lists(labels, text)
    for label in labels:
        if not label.status and _is_word(label, text, choices):
            label.status = "word"
    open_ = [label for label in labels if label.status in ("", "chosen") and not label.listed]
    if open_ and not text[: open_[0].start].strip(_OPENING + " \n\t-–•#") and _may_start(open_[0], text, choices):
        return open_[0].letter
    chosen = [label for label in open_ if label.status == "chosen"]
    bracketed = [label for label in open_ if label.bracketed]
    alone_ = [label for label in open_ if not label.lower and _is_named(label, text)]
    rest = chosen or bracketed or alone_
    return rest[-1].letter if rest else None


def _announced(groups: Sequence[list[_Label]], text: str) -> _Label | None:
    """Judge groups from the last one on, up to one that is announced or undecided; return its first label."""
    for group in reversed(groups):
        _judge(group, text)
        if group[0].status in ("announced", "undecided"):
            return group[0]
    return None


def _plain(text: str) -> str:
    """The text without emphasis and styling, and with full-width letters and brackets as plain ones."""
    if not text.isascii():
        text = _WIDE.sub(lambda found: unicodedata.normalize("NFKC", found.group()), text)
    if "\\" in text:
        text = _STYLING.sub(r"\1", text)
    return _EMPHASIS.sub("", text) if "*" in text or "`" in text or "_" in text else text


def _latin_is_shown(prompt: Prompt) -> bool:
    shown = prompt.text if isinstance(prompt, TextPrompt) else "\n".join(m.content for m in prompt.messages)
    return re.search(r"(?:^|\s)[(\[]?A[).:\]][\s\S]*?\s[(\[]?B[).:\]]", shown) is not None


def _labels(text: str, prompt: Prompt, count: int, start: int = 0) -> Iterator[_Label]:
    found = [(match.start(), match.group(1)) for match in _LABEL.finditer(text, start)]
    latin = True
    if not text.isascii():
        latin = _latin_is_shown(prompt)
        found += [(match.start(), match.group()) for match in _NATIVE.finditer(text, start)]
    found.sort()
    if len(found) > _MOST:
        found = [found[0], *found[1 - _MOST :]]
    for at, written in found:
        letter = _position(written, latin)
        if letter is None or string.ascii_uppercase.index(letter) >= count:
            continue
        end = at + len(written)
        bracketed = text[at - 1 : at] in ("(", "[") and text[end : end + 1] in (")", "]")
        native = not written.isascii()
        label = _Label(letter, at, end, written.islower() and not native, bracketed)
        if (label.lower or native) and not (bracketed or _stands_out(label, text)):
            continue
        yield label


def _position(written: str, latin: bool) -> str | None:
    """The Latin letter that a label is, or has the position of."""
    if written.isascii():
        return written.upper()
    look = written[0].translate(_LATIN_LOOK)
    if latin and look.isascii():
        return look
    places = (letters.find(written[0]) for letters in words.NATIVE)
    place = next((place for place in places if place >= 0), -1)
    return string.ascii_uppercase[place] if place >= 0 else None


def _stands_out(label: _Label, text: str) -> bool:
    """Whether a small or native letter can be a label: announced, or alone, or marked at the start of a line."""
    behind = text[label.end : label.end + _AFTER]
    marked = re.match(r"[)\]}\"'”»$]*\s*(?:[.,:;!?。،؛।)\n<]|\Z)", behind) is not None
    before = _before(label, text)
    line = text[max(0, label.start - 30) : label.start].rpartition("\n")[2].strip(_OPENING + " \t#-")
    if not line:
        return marked
    called_right = words.OPTION.search(before) is not None and words.CALLED_RIGHT.match(behind) is not None
    return called_right or (marked and words.ANNOUNCED.search(before) is not None)


def _before(label: _Label, text: str) -> str:
    before = text[max(0, label.start - _BEFORE) : label.start].rstrip(_OPENING + " \t")
    # An announcement may be on the line before its letter; an earlier sentence is not part of it
    return _SENTENCE_END.split(before)[-1] if before else before


def _groups(labels: Sequence[_Label], text: str) -> Iterator[list[_Label]]:
    group: list[_Label] = []
    for label in labels:
        near = group and label.start - group[-1].end <= _JOINT
        if group and not (near and words.JOINED.fullmatch(text, group[-1].end, label.start)):
            yield group
            group = []
        group.append(label)
    if group:
        yield group


def _judge(group: list[_Label], text: str) -> None:
    first, last = group[0], group[-1]
    before = _before(first, text)
    behind = text[last.end : last.end + _AFTER]
    together = len({label.letter for label in group}) > 1
    announced = words.ANNOUNCED.search(before) is not None or _fills_line(first, text)
    if words.CALLED_WRONG.match(behind) or (not announced and words.LABELLED_WRONG.match(behind)):
        for label in group:
            label.status = "rejected"
        if announced and together:
            # "The answer is D, A and B fail": the rejection is of those behind the first
            first.status = "announced"
        return
    if words.REJECTED.search(before):
        status = "rejected"
    elif (announced and not _is_article(first, text)) or words.CALLED_RIGHT.match(behind):
        status = "undecided" if together else "announced"
    elif together:
        # "Is it A or B?" names no one option
        status = "several"
    elif words.CHOSEN.search(before) and not _is_article(first, text):
        status = "chosen"
    else:
        return
    for label in group:
        label.status = status


def _fills_line(label: _Label, text: str) -> bool:
    """Whether the letter is all that the last line has."""
    line = text[max(0, label.start - 30) : label.start].rpartition("\n")[2].strip(_OPENING + " \t#-")
    return not line and re.fullmatch(r"[)\]}\"'”»」』>$]*[.:,。!]?\s*", text[label.end : label.end + 20]) is not None


def _is_article(label: _Label, text: str) -> bool:
    """Whether "A" or "a" begins a noun, or "I" is the speaker."""
    behind = text[label.end : label.end + _AFTER]
    if label.bracketed or label.letter not in "AI" or text[label.start] not in "AaIi":
        return False
    following = re.match(r"[ \t]+([^\W\d_][\w'’]*)", behind)
    if following is None or not following.group(1).isascii():
        return False
    if label.letter == "I":
        return True
    return following.group(1)[0].islower() and words.NO_NOUN.match(following.group(1)) is None


def _is_word(label: _Label, text: str, choices: Sequence[str]) -> bool:
    behind = text[label.end : label.end + _AFTER]
    if _repeats(label, behind, choices):
        return False
    if _is_article(label, text):
        return True
    if label.letter != "A" or label.bracketed:
        return False
    # "A Markov chain is ..." begins a sentence, "A Peter" repeats an option
    following = re.match(r"[ \t]+[A-Z]\w*([^\n]*)", behind)
    return following is not None and (len(following.group(1).split()) > 1 or following.group(1).endswith("."))


def _repeats(label: _Label, behind: str, choices: Sequence[str]) -> bool:
    """Whether the text of the letter's own option follows it."""
    option = choices[string.ascii_uppercase.index(label.letter)].strip().lower() if choices else ""
    return len(option) > 1 and behind.lstrip(" ).:-").lower().startswith(option[: _AFTER // 2])


def _is_named(label: _Label, text: str) -> bool:
    """Whether a capital by itself is a label: part of no noun before it or behind it."""
    following = re.match(r"[ \t]+([^\W\d_][\w'’]*)", text[label.end : label.end + _AFTER])
    noun = following is not None and following.group(1).isascii() and words.NO_NOUN.match(following.group(1)) is None
    return not noun and words.LABELLED.search(_before(label, text)) is None


def _may_start(label: _Label, text: str, choices: Sequence[str]) -> bool:
    """Whether a letter at the start of the completion is the answer: marked, alone, or before its option's text."""
    behind = text[label.end : label.end + _AFTER]
    if label.lower:
        return label.bracketed or re.match(r"\s*(?:[).:,\]]|\Z|\n)", behind) is not None
    following = re.match(r"[ \t]+([a-z][\w'’]*)", behind)
    reason = following is None or following.group(1) in ("because", "since", "as", "for")
    return reason or _repeats(label, behind, choices)


def _mark_lists(labels: Sequence[_Label], text: str) -> None:
    """Mark the letters of a repetition of the options: A, B, C, ... in order, each with its mark."""
    run: list[_Label] = []
    for label in labels:
        marked = label.bracketed or text[label.end : label.end + 1] in (")", ".", ":", "]")
        expected = string.ascii_uppercase[len(run)] if len(run) < len(string.ascii_uppercase) else ""
        if marked and label.letter == expected:
            run.append(label)
        else:
            _mark(run, text)
            run = [label] if marked and label.letter == "A" else []
    _mark(run, text)


def _mark(run: Sequence[_Label], text: str) -> None:
    starts = (text[max(0, label.start - 3) : label.start].rpartition("\n")[2] for label in run)
    lines = all(not start.strip(_OPENING + " \t-") for start in starts)
    if len(run) >= (2 if lines else 3):
        for label in run:
            label.listed = True
