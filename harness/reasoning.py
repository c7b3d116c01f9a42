"""The marks that models put around their reasoning, and how an answer is taken out from between them.

One list for every model: XML-like tags (`<think>`, `<thinking>`, `<seed:think>`, `<reasoning>`, ...), `[THINK]`,
`◁think▷`, `<|begin_of_thought|>`, `<|START_THINKING|>`, `<unused94>`, the channels of gpt-oss, and the two
sentences of Granite. A page adds its own pairs (`reasoning_marks` of its extractor). Every pass is linear in the text.

Sources: the reasoning parsers of vLLM and SGLang, and the chat templates of the models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_NAMES = (
    r"(?:[a-z]{1,20}[:_])?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad|analysis)(?:_[a-z]{1,10})?"
)
# One pattern for each family: an opening mark is closed by a mark of its own family and name only.
_MARKS = (
    rf"</?(?i:{_NAMES})>",
    r"\[/?(?:THINK(?:ING)?|REASONING)\]",
    r"◁/?think▷",
    r"<\|/?(?:think|thinking|thought)\|>",
    r"<\|(?i:begin|start|end)(?i:_of)?_(?i:think(?:ing)?|thought|reasoning)\|>",
    r"<\|inner_(?:prefix|suffix)\|>",
    r"<unused9[45]>(?:thought\b)?",
    r"<\|channel>(?:thought\b)?|<channel\|>",
    r"(?<![^\n])Here(?:'s| is) my (?:thought process|response):",
)
_CLOSES = re.compile(r"/|(?i:<\|end_)|suffix|95>|<channel\||response")
_NAMED = ("k0", "k1")
_EACH = "|".join(f"(?P<k{number}>{pattern})" for number, pattern in enumerate(_MARKS))
_MARK = re.compile(rf"(?=[<\[◁H])(?:{_EACH})")
# What every mark has one of, in small letters: finding none is much faster than the pattern of all marks.
_PARTS = (
    *("think", "thought", "reason", "reflection", "scratchpad", "analysis"),
    *("<|", "<unused9", "<channel|", " is my ", "'s my "),
)
_OPENS_AT_END = 40
_QUOTES = "`'\""

_HARMONY = re.compile(r"(?:<\|start\|>[^<]{0,100})?<\|channel\|>\s*(\w+)[^<]{0,200}<\|message\|>")
_HARMONY_END = re.compile(r"<\|(?:end|return|call)\|>|<\|start\|>[^<]{0,100}\Z")
# the channels where a decoder has dropped the special tokens: "analysisWe add ...assistantfinal42"
_HARMONY_PLAIN = re.compile(r"\A\s*(?:analysis|commentary)(?=[A-Z])")
_HARMONY_FINAL = "assistantfinal"
_HARMONY_ANSWER = "<|end|><|start|>assistant<|channel|>final<|message|>"
# Marks whose closing one is no variant of their own name
_PAIRED = (
    (r"<\|inner_prefix\|>", "<|inner_suffix|>"),
    (r"<unused94>(?:thought)?", "<unused95>"),
    (r"<\|channel>(?:thought)?", "<channel|>"),
)
_SOLUTION = re.compile(r"<\|(?:begin|end)_of_solution\|>")

# Tokens that a decoder must keep though a tokenizer calls them special: without them reasoning looks like the answer.
_HARMONY_TOKENS = frozenset({"<|start|>", "<|channel|>", "<|message|>"})


class _Mark(NamedTuple):
    start: int
    end: int
    kind: str
    closes: bool


def without_reasoning(text: str, extra: Sequence[tuple[str, str]] = ()) -> str | None:
    """Return the text outside its reasoning; None where the last reasoning is still open.

    Text before a closing mark that nothing opened is reasoning too (the prompt had opened it). A mark in
    quotes or backticks is spoken about, not used. `extra`: more pairs (opening, closing).
    """
    visible = _final_channel(text)
    if visible is None:
        return None
    kept: list[str] = []
    inside: str | None = None
    at = 0
    found = False
    for mark in _marks(visible, extra):
        if mark.closes and inside in (None, mark.kind):
            if inside is None:
                kept.clear()
            inside, at, found = None, mark.end, True
        elif not mark.closes and inside is None:
            kept.append(visible[at : mark.start])
            inside = mark.kind
    if inside is not None:
        return None
    answer = "".join([*kept, visible[at:]])
    return _SOLUTION.sub("", answer) if found else answer


def closing_of_open(text: str) -> str:
    """Return what closes the reasoning that is open at a text's end, by the mark that opened it; "" where none is open.

    With the line breaks that models of a family write around their mark.
    """
    heads = list(_HARMONY.finditer(text)) if "<|channel|>" in text else []
    if heads:
        open_channel = heads[-1].group(1) != "final" and not _HARMONY_END.search(text, heads[-1].end())
        return _HARMONY_ANSWER if open_channel else ""
    opened: _Mark | None = None
    for mark in _marks(text, ()):
        if mark.closes and opened is not None and mark.kind == opened.kind:
            opened = None
        elif not mark.closes and opened is None:
            opened = mark
    return "" if opened is None else _closing(text[opened.start : opened.end])


def _closing(sign: str) -> str:
    if sign.startswith("Here"):
        return f"\n\n{sign.replace('thought process', 'response')} "
    for opening, closing in _PAIRED:
        if re.fullmatch(opening, sign):
            return closing
    ended = re.sub(r"(?<=<\|)begin|(?<=<\|)start", "end", sign)
    ended = re.sub(r"(?<=<\|)(?:BEGIN|START)", "END", ended)
    if ended != sign:
        return ended
    at = 2 if sign.startswith("<|") else 1
    mark = f"{sign[:at]}/{sign[at:]}"
    return mark if at == 2 else f"\n{mark}\n\n"


def opened_by(prompt: str) -> str:
    """Return the opening mark that a rendered prompt ends with (white space apart), empty where it ends with none."""
    tail = prompt[-2 * _OPENS_AT_END :].rstrip()
    marks = list(_marks(tail, ()))
    if marks and not marks[-1].closes and marks[-1].end == len(tail):
        return tail[marks[-1].start :]
    channels = list(_HARMONY.finditer(tail))
    if channels and channels[-1].end() == len(tail) and channels[-1].group(1) != "final":
        return channels[-1].group()
    return ""


def is_mark(token: str) -> bool:
    """Whether a token of a tokenizer is, as a whole, a mark of reasoning."""
    return token in _HARMONY_TOKENS or _MARK.fullmatch(token) is not None


def _marks(text: str, extra: Sequence[tuple[str, str]]) -> Iterator[_Mark]:
    lowered = text.lower()
    found: list[_Mark] = []
    if any(part in lowered for part in _PARTS):
        found += [_mark(match) for match in _MARK.finditer(text) if not _is_quoted(text, match)]
    for pair in extra:
        for closes, sign in enumerate(pair):
            found += [_Mark(m.start(), m.end(), pair[0], bool(closes)) for m in re.finditer(re.escape(sign), text)]
    return iter(sorted(found, key=lambda mark: mark.start))


def _mark(match: re.Match[str]) -> _Mark:
    sign, family = match.group(), match.lastgroup or ""
    name = sign.replace("/", "").lower() if family in _NAMED else ""
    return _Mark(match.start(), match.end(), family + name, _CLOSES.search(sign) is not None)


def _is_quoted(text: str, match: re.Match[str]) -> bool:
    before, after = text[max(match.start() - 2, 0) : match.start()], text[match.end() : match.end() + 2]
    # two backticks are a fence that ends here, or begins
    return before[-1:] == after[:1] and before[-1:] in tuple(_QUOTES) and "``" not in (before, after)


def _final_channel(text: str) -> str | None:
    """Return what gpt-oss wrote in its final channel, the text itself where it names no channel."""
    heads = list(_HARMONY.finditer(text)) if "<|channel|>" in text else []
    if not heads:
        if _HARMONY_PLAIN.match(text):
            _, found, answer = text.rpartition(_HARMONY_FINAL)
            return answer if found else None
        return text
    parts = [text[: heads[0].start()]]
    ends = [head.start() for head in heads[1:]] + [len(text)]
    parts += [text[head.end() : end] for head, end in zip(heads, ends, strict=True) if head.group(1) == "final"]
    if len(parts) == 1:
        return None
    return "".join(_HARMONY_END.sub("", part) for part in parts)
