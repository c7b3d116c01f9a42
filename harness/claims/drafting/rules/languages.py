"""Human languages: "full support for over 40 languages"."""

from __future__ import annotations

import re

from harness.claims.drafting.clauses import is_denied, is_hedged, numbers, whose
from harness.claims.drafting.found import Context, Found
from harness.claims.drafting.sentences import Sentence, front_matter_of, sentence_at

SUITE, ENGLISH = "languages-40", "sib200_eng_latn"
# The share of the most frequent topic of SIB-200
CHANCE, MARGIN = 0.25, 0.15
WORDS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "a hundred": 100,
}  # fmt: skip
WORD = re.compile(rf"\b({'|'.join(WORDS)}) (?:\w+ ){{0,2}}?(?:languages|langs)\b", re.IGNORECASE)
_LANGUAGE = (
    r"\b(?:English|French|German|Spanish|Italian|Chinese|Mandarin|Japanese|Korean|Portuguese|Dutch|Polish|Russian|Arabic|"
    r"Hindi|Bengali|Urdu|Turkish|Vietnamese|Thai|Indonesian|Malay|Czech|Swedish|Danish|Norwegian|Finnish|Greek|Hebrew|"
    r"Hungarian|Romanian|Ukrainian|Catalan|Basque|Galician|Persian|Swahili|Tamil|Telugu|Bulgarian|Croatian|Serbian|Slovak|"
    r"Slovenian|Lithuanian|Latvian|Estonian|Irish|Maltese|Tagalog|Filipino)\b"
)
LIST = re.compile(
    rf"\b(?:[Ss]peaks?|[Ss]upports?|[Uu]nderstands?|[Hh]andles?|[Cc]overs?|[Ll]anguages?:)\s+{_LANGUAGE}"
    rf"(?:(?:,? and |, ){_LANGUAGE}){{1,}}"
)
# In the head of a model card: `language:` with a list of codes, in lines or in brackets
CODE = r"[a-z]{2,3}(?:-[A-Za-z]{2,4})?"
HEAD = re.compile(
    rf"^languages?:[ \t]*(?:\[(?P<flow>[^\]\n]*)\]|(?P<block>(?:\n[ \t]*-[ \t]*[\"']?{CODE}[\"']?[ \t]*(?=\n|$))+))",
    re.MULTILINE,
)
PROGRAMMING = re.compile(r"programming languages|coding languages", re.IGNORECASE)


def find(sentence: Sentence, context: Context) -> list[Found]:
    """A number of languages; those of programming are another matter."""
    text = sentence.text
    if PROGRAMMING.search(text):
        return []
    for one in numbers(text):
        after = re.match(r"\s*(?:[A-Za-z-]+ ){0,3}?(?:languages|langs|tongues)\b", text[one.end :], re.IGNORECASE)
        if one.kind != "number" or after is None or one.decimals or one.value < 2:
            continue
        return _counted(sentence, context, int(one.value), one.start)
    if (word := WORD.search(text)) is not None:
        return _counted(sentence, context, WORDS[word[1].casefold()], word.start())
    if (listed := LIST.search(text)) is not None:
        return _counted(sentence, context, len(set(re.findall(_LANGUAGE, listed[0]))), listed.start())
    return []


def find_in_head(article: str, context: Context) -> list[Found]:
    """The languages that the front matter of a model card lists."""
    head = front_matter_of(article)
    if head is None or (match := HEAD.search(article[head.start : head.end])) is None:
        return []
    codes = re.findall(rf"(?<![\w-]){CODE}(?![\w-])", match["flow"] or match["block"] or "")
    start = head.start + match.start()
    quoted = sentence_at(article, start, head.start + match.end())
    return _counted(quoted, context, len(set(codes)), len(quoted.text)) if len(set(codes)) > 1 else []


def _counted(sentence: Sentence, context: Context, count: int, place: int) -> list[Found]:
    text = sentence.text
    if is_hedged(text, place) or is_denied(text, place) or whose(text, place, context.subject) == "other":
        return []
    reading = (
        f"In at least {count} languages {context.subject} finds the topic of a sentence better than by always "
        "naming the most frequent one, and at most 15 points worse than in English."
    )
    test = {"metric": "accuracy", "suite": SUITE, "english": ENGLISH, "chance": CHANCE, "margin": MARGIN}
    keys = {"test": test, "relation": "count>=", "threshold": count}
    assumed = ("subject.revision", "test.suite", "test.chance", "test.margin")
    return [Found(sentence, "languages", reading, keys, assumed)]
