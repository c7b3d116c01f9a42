"""Which parts of a sentence say something of another model than the article's.

A clause whose subject is another model ("GPT-4o scores", "Mistral 7B, which scores", "the American model costs") is
that model's up to where the article's model, or a word for it, comes again. Where that is open, nothing is drafted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from harness.claims.drafting.names import COMPARED, mentions, same_model

_NOUN = (
    r"(?:model|system|one|AI|LLM|chatbot|assistant|bot|rival|competitor|counterpart|giant|sibling|offering|product)s?"
)
# Words that tell one model from others; capitalised ones are countries and makers
_TELLING = (
    r"rival|competing|larger|bigger|smaller|older|newer|other|previous|earlier|former|latter|proprietary|closed|"
    r"closed-source|commercial|incumbent|leading|costlier|pricier|dearer|cheaper|stronger|weaker|second"
)
_CAPITAL = r"(?!(?:Instruct|Chat|Base|Thinking|Transformer|Mixture)\b)[A-Z][a-z]+[A-Za-z]*"
# "The American model", "its larger rival", "OpenAI's model", "the latter"
_EPITHET = re.compile(
    rf"\b(?:[Tt]he|[Ii]ts|[Tt]heir|[Tt]hat) (?:\w+ )?(?P<telling>{_TELLING}|{_CAPITAL}) (?:[a-z]+ )?{_NOUN}\b|"
    rf"\b(?P<maker>[A-Z][A-Za-z]+)['’]s (?:[a-z]+ )?{_NOUN}\b|"
    r"\b[Tt]he (?P<alone>rivals?|competitors?|latter|former)\b"
)
# Behind these a name is an object, or what a number is of
_OBJECT = re.compile(r"\b(?:of|for|by|from|with|to|in|on|over|at|past|like|as)\s+(?:both\s+)?(?:[A-Z]\w+['’]s )?$")
_RELATIVE = re.compile(r"\s*,?\s*\(?\s*(?:which|who|that|whose)\b(?! (?:it|we|they)\b)")
_VERB = re.compile(
    r"\s+(?:(?:also|only|still|already|just|now|merely|itself|alone|\w+ly)\s+)?(?:scor\w+|gets?|got|has|had|hits?|"
    r"reach\w+|achiev\w+|attain\w+|obtain\w+|manag\w+|answer\w+|solv\w+|record\w+|post(?:s|ed)|costs?|charges?|is|was|"
    r"sits|stands|comes?|came|supports?|speaks?|can|could|gave|gives|does|did|needs?|runs?|offers?|uses?|averag\w+|"
    r"deliver\w+|report\w+|pass(?:es|ed)|clear(?:s|ed)|lands?|landed|remains?|stays?)\b"
)
# The article's model by another word, where a clause begins
_OWN_AGAIN = re.compile(
    r"(?:[,;:–—(]|\b(?:and|but|while|whereas|than|against|versus))\s*(?:and |but |while |whereas |where )?"
    r"(?:it|we|our|ours|its|this (?:\w+ )?model|the (?:new )?model)\b",
    re.IGNORECASE,
)
# A sentence that begins so sets another model apart, before it comes to its own
_LEADING = re.compile(r"[\"“*_]*(?:Compared (?:with|to)|Relative to|Against|Versus|Unlike|In contrast (?:to|with))\s")
# What is only compared introduces nothing: "that it says rivals the best American systems"
_COMPARING = re.compile(
    r"\b(?:than|versus|vs|against|unlike|like|compared|rivals?|(?:out-?perform|outscor|surpass|match|beat|trail|"
    r"exceed)\w*|ahead|behind|below|par|as good|[Nn]o|not)\b|[.;:]"
)
# "Mistral 7B (30.5 % on HumanEval)", but for a parenthesis that sets two numbers against each other
_ASIDE = re.compile(r"\s*\((?![^)]*\b(?:vs|versus|against|ours?|compared|than|to)\b)[^()]*\d[^()]*\)", re.IGNORECASE)
# "72.6 % for the American model"
_NUMBER_OF = re.compile(r"(?<![\w.])\d[\d.,]*\s*(?:%|percent|per cent)?\s*(?:for|by|of|from)\s*$")
# How many words from its name a model is introduced by what it is
_NEAR = 8


def known_as(texts: Iterable[str], subject: str) -> frozenset[str]:
    """The words, in small letters, by which sentences introduce the subject: around its name, up to another's."""
    found: set[str] = set()
    for text in texts:
        named = mentions(text)
        places = [(one.start, one.end, same_model(one.name, subject)) for one in named]
        if not any(own for _, _, own in places):
            places += [(*one.span(), True) for one in re.finditer(rf"(?<!\w){re.escape(subject)}(?!\w)", text)]
        for start, end, own in places:
            if not own:
                continue
            before = text[max((b for _, b, _ in places if b <= start), default=0) : start]
            after = text[end : min((a for a, _, _ in places if a >= end), default=len(text))]
            after = _COMPARING.split(after)[0]
            before = _COMPARING.split(before)[-1] if not COMPARED.search(before) else ""
            near = [*before.split()[-_NEAR:], *after.split()[:_NEAR]]
            found |= {re.sub(r"['’]s$", "", word.strip(',.:;()"“”*_')).casefold() for word in near}
    return frozenset(found)


def own_part(text: str, subject: str, introduced: frozenset[str]) -> str:
    """The sentence with blanks for what it says of other models, so that every place in it stays the same."""
    for start, end in _of_others(text, subject, introduced):
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _of_others(text: str, subject: str, introduced: frozenset[str]) -> Iterator[tuple[int, int]]:
    named = mentions(text)
    own = [one.start for one in named if same_model(one.name, subject)]
    own += [one.start() for one in re.finditer(rf"(?<!\w){re.escape(subject)}(?!\w)", text)]

    def until(place: int) -> int:
        """Where the article's model comes again, or the parenthesis closes in which the other one is named."""
        ends = [start for start in own if start >= place]
        ends += [again.start() for again in _OWN_AGAIN.finditer(text, place)][:1]
        before = text[:place]
        if before.count("(") > before.count(")") and (close := text.find(")", place)) >= 0:
            ends.append(close)
        return min(ends, default=len(text))

    for one in named:
        if same_model(one.name, subject):
            continue
        before = text[: one.start]
        if aside := _ASIDE.match(text, one.end):
            yield aside.span()
        if _LEADING.match(text) and not any(start < one.start for start in own):
            yield 0, one.start
        if relative := _RELATIVE.match(text, one.end):
            yield relative.start(), until(relative.end())
        elif not _is_object(before) and (verb := _VERB.match(text, one.end)):
            yield verb.start(), until(verb.end())
    for match in _EPITHET.finditer(text):
        word = (match["telling"] or match["maker"] or match["alone"]).casefold()
        is_name = any(one.start < match.end() and match.start() < one.end for one in named)
        if word in introduced or is_name or subject.casefold().startswith(word):
            continue
        before = text[: match.start()]
        if not _is_object(before):
            yield match.end(), until(match.end())
        elif number := _NUMBER_OF.search(before):
            yield number.start(), match.start()


def _is_object(before: str) -> bool:
    return bool(COMPARED.search(before) or _OBJECT.search(before))
