"""Names of functions and parameters in docstrings, comments and task descriptions: which words are the name.

A word is taken for a name only where it is written as one, since `numbers` and `search` are English too: in a call
(`search([1, 2])`), in a signature, in quotes or backquotes, before an operator (`num = "AB"`), in a list of parameters
(`n : int`, `@param n`), after "function". A word that is no English (`lst1`, `max_len`, `n`) is one wherever it is.
What a text quotes is data and stays, but for a name that is quoted alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# Short forms that programmers write and English does not have
CODE_WORDS = frozenset(
    [
        *(
            "arr",
            "args",
            "cnt",
            "cols",
            "dic",
            "dict",
            "elem",
            "elems",
            "eles",
            "ele",
            "idx",
            "int",
            "len",
            "lis",
            "lst",
        ),
        *("max", "min", "nums", "num", "obj", "pos", "pred", "prev", "str", "strs", "sublist", "tup", "tups", "val"),
        *("vals", "var", "vec", "xs", "ys"),
    ]
)
_QUOTED = re.compile(r"\"{3}|'{3}|\"[^\"\n]*\"|(?<![\w'])'[^'\n]*'(?!\w)|`[^`\n]*`|`[^`'\n]*'")
# What follows `a` where it is a name and no article
_AFTER_LETTER_A = re.compile(r"\s*(?:[-+*/%=<>^),;:.\]]|$|(?:and|or|is|to|by|modulo|such|that|if|returns?)\b)")
_OPERATOR_AFTER = re.compile(r"[ \t]*(?:==?|<=?|>(?!>)=?|!=|\*\*?|//?|%|\+|\^)[ \t]*[\w(\[{\"'-]|\[|\.[a-z]")
_AS_AMOUNT = re.compile(r"\b(?:by|than)[ \t]+$")
_END_OF_CLAUSE = re.compile(r"[ \t]*(?:[.,;)]|\n|$)")
_PARAMETER_LIST = re.compile(r"(?:^|\n)[ \t]*(?:[*-][ \t]+|@(?:param[ \t]+)?|:param[ \t]+)?$")
_AFTER_IN_LIST = re.compile(r"[ \t]*(?::|\([^)\n]*\)[ \t]*:|[ \t](?:int|integer|str|string|list|float)\b)")
_CALLED = re.compile(r"(?:function|called|named|method)[ \t]+$", re.IGNORECASE)
_SIGNATURE = re.compile(r"\bdef[ \t]+\w+\s*\([^)]*\)")
# What English words do not have; a function may be called `gcd`, which a text means as a word
_ODD = re.compile(r"[\d_]|[a-z][A-Z]|[A-Z]{2}")
_SENTENCE_START = re.compile(r"(?:\A[\"'rRuU\s]*|[.!?]\s+|\n[ \t]*\n\s*|\n[ \t]*[*-][ \t]+)$")
_SUBJECT = re.compile(r" (?:is|are|has|have|will|must|should|represents?|contains?|consists?)\b")
_KIND_BEFORE = re.compile(
    r"\b(?:strings?|integers?|numbers?|lists?|arrays?|tuples?|dictionary|dictionaries|floats?|objects?)[ \t]+$"
)
_AFTER_KIND = re.compile(r"[,.;)]|[ \t]+(?:and|or|of|is|are|which|where|that)\b")


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replace what is from `start` to `end` (characters, the end excluded) by `text`."""

    start: int
    end: int
    text: str

    def moved(self, by: int) -> Edit:
        """Return the edit, so many characters further on."""
        return Edit(self.start + by, self.end + by, self.text)


def edited(text: str, edits: list[Edit]) -> str:
    """Apply edits, which do not overlap."""
    parts, place = [], 0
    for edit in sorted(edits):
        parts += [text[place : edit.start], edit.text]
        place = edit.end
    return "".join([*parts, text[place:]])


def prose_edits(text: str, functions: Mapping[str, str], parameters: Mapping[str, str]) -> list[Edit]:
    """Return the edits that rename where a text means the function or the parameter."""
    names = {**parameters, **functions}
    if not names:
        return []
    word = re.compile("|".join(_pattern(name) for name in sorted(names, key=len, reverse=True)))
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    signatures = [match.span() for match in _SIGNATURE.finditer(text)]
    edits = []
    for hit in word.finditer(text):
        name, (start, end) = hit.group(), hit.span()
        if _inside(signatures, start):
            means_it = True
        elif span := _inside(quoted, start):
            marks = (start - span[0], span[1] - end)
            alone = marks == (1, 1) and (len(name) > 1 or text[span[0]] == "`")
            means_it = alone or (text[span[0]] == "`" and _is_meant(text, hit, name, names, functions))
        else:
            means_it = _is_meant(text, hit, name, names, functions)
        if means_it:
            edits.append(Edit(start, end, names[name]))
    return edits


def _pattern(name: str) -> str:
    """Where a name is a word; a letter also in `2n` and `nth`. "It's" holds no `s`, but `l'` is `l` with a prime."""
    if len(name) == 1 and name not in "aAI":
        return rf"(?<![^\W\d])(?<![.])(?<!\w'){name}(?:(?=th\b)|(?!\w))"
    return rf"(?<![\w.])(?<!\w'){re.escape(name)}(?!\w)"


def _inside(spans: list[tuple[int, int]], place: int) -> tuple[int, int] | None:
    return next((span for span in spans if span[0] <= place < span[1]), None)


def _is_meant(text: str, hit: re.Match[str], name: str, names: Mapping[str, str], functions: Mapping[str, str]) -> bool:
    before, after = text[: hit.start()], text[hit.end() :]
    if name in functions and after.startswith("("):
        return True
    if name == "a":
        return bool(_AFTER_LETTER_A.match(after))
    if not_english(name) if name not in functions else _ODD.search(name):
        return True
    if name in functions and _CALLED.search(before):
        return True
    if _KIND_BEFORE.search(before) and _AFTER_KIND.match(after):
        return True
    if _follows_another(before, after, names):
        return True
    if re.search(r"\w\($", before) and after.startswith(")"):
        return True
    if _PARAMETER_LIST.search(before) and _AFTER_IN_LIST.match(after):
        return True
    if before.endswith("@") or _OPERATOR_AFTER.match(after):
        return True
    if name not in functions and _AS_AMOUNT.search(before) and _END_OF_CLAUSE.match(after):
        return True
    return bool(_SENTENCE_START.search(before)) and name.islower() and bool(_SUBJECT.match(after))


def _follows_another(before: str, after: str, names: Mapping[str, str]) -> bool:
    """Whether a word ends an enumeration with another name: `a and b`, `x, y`."""
    every = "|".join(map(re.escape, names))
    joint = r"(?:,[ \t]*(?:and|or)?|and|or)[ \t]+"
    return bool(re.search(rf"\b(?:{every})[ \t]*{joint}$", before)) and bool(re.match(r"\s*[.,;)]", after))


def not_english(name: str) -> bool:
    """Whether a name cannot be an English word: one letter, digits, underscores, capitals inside, or a short form."""
    if len(name) == 1:
        return name not in "aAI"
    return bool(_ODD.search(name)) or name.lower() in CODE_WORDS or not re.search(r"[aeiouyAEIOUY]", name)


def mentions(text: str, names: Mapping[str, str]) -> bool:
    """Whether a text has one of the names as a word."""
    return any(name in text for name in names) and _word(names).search(text) is not None


def _word(names: Mapping[str, str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)")
