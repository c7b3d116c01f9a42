"""Reads the answer out of prose: behind the last "the answer is" (in many languages), else out of the last sentence.

A sentence that denies a value ("the answer is not 72") gives none, and one that leaves two open ("72 or 73") gives
both. Linear in the text.
"""

from __future__ import annotations

import re

from harness.scoring.extractors.latex import TAIL, same_number
from harness.scoring.extractors.values import Value, blanked, values

# "answer" in the languages of MGSM, Global-MMLU and MMMLU, and their neighbours
_NOUNS_LATIN = (
    "respuesta|réponse|reponse|antwort|lösung|ergebnis|risposta|resposta|resultado|résultat|risultato|jawaban(?:nya)?|"
    "jawapan(?:nya)?|jibu|cevap|cevabı|yanıt|odpowiedź|odpověď|odpoveď|antwoord|svaret|svar|răspuns(?:ul)?|raspuns|válasz|vastaus|"
    "sagot|odgovor|atsakymas|atbilde|vastus|đáp án|câu trả lời|đáp số|kết quả|idahun|ìdáhùn|amsa|azịza|impendulo|"
    "jawaab|valiny|erantzuna|javob|cavab"
)
_NOUNS_OTHER = (
    "ответ|відповідь|отговор|одговор|жауап|απάντηση|תשובה|الجواب|الإجابة|الاجابة|الناتج|جواب|پاسخ|答案|答え|解答|回答|答|"
    "정답|해답|답|คำตอบ|उत्तर|जवाब|উত্তর|సమాధానం|జవాబు|பதில்|விடை|ઉત્તર|જવાબ|ಉತ್ತರ|ഉത്തരം|ਉੱਤਰ|ਜਵਾਬ|පිළිතුර|መልስ|პასუხი|պատասխան|"
    "အဖြေ|ចម្លើយ|ຄໍາຕອບ|хариу"
)
# English wants a link or a formula behind the noun ("answer the 3 questions" announces nothing)
_ENGLISH = (
    r"\bans(?:wers?)?\b(?:[\s*_]{0,20}(?:[:=：]|->|→)|[^.!?\n:=0-9$\\]{0,60}?(?:\b(?:is|are|was|be|equals?)\b|n't\b)"
    r"|(?!\s+(?:the|this|that|these|following|each|any|all|with|by)\b)[^.!?\n:=0-9$\\]{0,60}[:=]"
    r"|[\s*_]{1,20}(?=\$|\\[(\[]))"
)
_HEAD_ENGLISH = re.compile(rf"(?i){_ENGLISH}")
_HEAD = re.compile(rf"(?i){_ENGLISH}|\b(?:{_NOUNS_LATIN})\b|(?:{_NOUNS_OTHER})")
_LATIN = tuple(re.sub(r"\(\?:(\w+)\)\?", "", _NOUNS_LATIN).split("|"))
_ALL = (*_LATIN, *_NOUNS_OTHER.split("|"))
_IS_ENGLISH = re.compile(r"(?i)ans")
_COMMA = re.compile(r"\A(-?\d+),(\d{1,2})(?!\d|,)")
_FINAL = re.compile(r"(?i)\bfinal\s+ans")
_WRONG = re.compile(r"(?i)\b(?:wrong|incorrect|mistake|mistaken|error|not right|correction)\b")
# "None" is GSM-Plus's answer to questions that lack a number; other words behind the mark are a heading
_MARKED = re.compile(r"(?m)^[ \t]*####[ \t]*(?=[-−+$€£¥₹\\\d.(]|None\b)(.{1,300})$")
_SHORT = re.compile(r"(?m)^[ \t*]*A:[ \t*]*([^\n]{1,40})$")
_XML = re.compile(r"(?i)<answer>")
_XML_END = re.compile(r"(?i)</answer>")
_OUTPUT = re.compile(r"(?s)```(?:output|stdout)[ \t]*\n(.{0,500}?)\n?```")
_MOST = 1000
# So many announcements, marks and values are looked at, from the last one
_MOST_MARKS = 40
# How far back the last value of a text is looked for
_NEAR = 600
_LAST = 20_000
_LEAD = re.compile(
    r"(?i)(?:[\s*_:：=\"“”'‘’»«>—–]|->|→|(?:approximately|approx\.?|about|around|roughly|nearly|simply|just|therefore"
    r"|thus|then|indeed|exactly|actually|clearly|still|now|also|only|the|a|an|equal to|equals|given by|found to be|be"
    r"|is|number|value|total(?: of)?|environ|aproximadamente|circa|ungefähr|etwa|sekitar)\b(?=[\s*_]+[^\s(])|[≈~∼])*"
)
_END = re.compile(r"\.(?=[\s*_\"”'’)]|\Z)|[!?](?=[*_\"”'’)]*(?:\s(?!\s*[=/*+])|\Z))|[。！？।۔]|\bI hope\b|<\||\n")
_NOT = re.compile(
    r"(?i)(?:\bnot|n't|\bcannot be|\bnever|\bneither|\bnor|\brather than|\binstead of|\bpas|\bnicht|\bno es|\bнет?|不是"
    r"|ではなく|아니라)[\s*_(\"']*(?:(?:equal to|be|simply|just|the|a|an|only)\s+)*(?:\$|\\[(\[])?\Z"
)
_AND = r"(?:or|and|oder|und|et|ou|o|y|e|или|и|atau|dan|veya|ve|أو|و|或|和)"
_VARIABLE = r"(?:[A-Za-z]\s?=\s?)?"
_BETWEEN = re.compile(
    rf"(?i)\s*(?:[,;،、]?\s*{_AND}\b|[,;،、])\s*(?:(?:maybe|perhaps|possibly|even|else)\s+)?{_VARIABLE}"
    rf"|\s*\((?:or|and|maybe)\s+{_VARIABLE}"
)
_OR = re.compile(
    r"(?i)\s*[,;(]?\s*(?:or|oder|ou|o|или|atau|veya|أو|或)\s+(?:(?:maybe|perhaps|possibly|even|else)\s+)?"
    rf"{_VARIABLE}"
)
_COPULA = re.compile(
    r"(?i)(?:\b(?:is|was|be|equals?|equal to|becomes|gives|est|ist|es|è|é)|[=≈:：]|为|為|是|は|это|равно)\s*(?:"
    r"\b(?:approximately|about|only|just|now|exactly|also|therefore|thus|donc|de)\b|[\s*_(\"'])*\Z"
)
# A word behind a number may be its unit; these begin something else
_STOP = (
    r"because|since|as|so|which|that|when|where|who|if|for|in|on|at|of|from|and|or|but|than|after|before|with|by|to|is"
    r"|are|was|were|will|would|has|have|had|not|he|she|they|it|we|i|this|these|the|ago|left|more|each|total|altogether"
    r"|de|du|der|die|das|que|por|para|pour|en|im"
)
_TAIL = re.compile(rf"(?i)(?:[ \t]*(?!(?:{_STOP})\b)[A-Za-zα-ω\\%/^][^\s,;:!?()*]{{0,30}}){{0,4}}")
_SCALE = re.compile(
    r"(?i)\s?(?:[万亿億萬만억兆]|тысяч|миллион|миллиард|लाख|करोड़|মিলিয়ন|লাখ|مليون|ألف|ล้าน|พัน|หมื่น|แสน"
    r"|(?:hundred|thousand|[a-z]*illion|dozen|score|millones|millions|millionen|milhões|milioni|juta|ribu|mil)s?\b)"
)
# "5 hours and 20 minutes", "5 feet 6 inches"
_COMPOUND = re.compile(r"\s+(?:and\s+)?")
_CLAUSE = re.compile(
    r"(?i),?\s+(?:which|because|since|as|so|where|that|when|who|i\.e)\b|[;—]|\s\((?=[A-Za-z]{2})|,\s+(?=[^\W\d_]{2,})"
)
_MATHS = re.compile(
    r"(?:[\s\d.,()\[\]{}^*/+\-−=<>|!:√π×÷·%°≤≥∞∪∩±½⅓⅔¼¾]|(?:sqrt|pi|sin|cos|tan|log|ln|exp|inf|or|and)\b|[A-Za-z]\b)+"
)
_MOST_WORDS = 6
# A text that ends in source code (a name of several words, alone, assigned to or called) has not come to its answer
_CODE = re.compile(
    r"\s*(?:[A-Za-z]\w*_\w+(?:\.\w+\(.*)?|[A-Za-z]\w*_\w+(?:\[.*\])?\s*[-+*/]?=.*|(?:import|from)\s+\w+.*)"
)
_ALGEBRA_BEHIND = re.compile(r"[a-df-hj-km-rt-z](?:\^\d+)?(?![\w'])(?<![ghmst])")
_ALGEBRA_BEFORE = re.compile(
    r"(?<![\w.])(?:\d[\d.]*(?:[a-z](?![A-Za-z]))?|[b-hj-z](?![A-Za-z']))(?:\^\d+)?"
    r"(?:\s?[-+*/^×·]\s?(?:\d[\d.]*(?:[a-z](?![A-Za-z]))?|[b-hj-z](?![A-Za-z'])))*\s?[-+*/^×·]\s?\Z"
)


def spoken_answer(text: str) -> str | None:
    """Return what the last announcement gives, else the value that the text ends with; None where there is none."""
    if marked := _marked(text):
        return marked
    text = text[-TAIL:]
    for head in reversed(_heads(text)[-_MOST_MARKS:]):
        rest = text[head.end() : head.end() + _MOST]
        if head.group().endswith("n't"):
            rest = "not " + rest
        found = _Phrase(rest, english=_IS_ENGLISH.match(head.group()) is not None)
        if found.denied:
            return last_value(rest[found.end :] + text[head.end() + _MOST :])
        if answer := found.answer():
            return answer
    for line in reversed(_SHORT.findall(text)[-_MOST_MARKS:]):
        if (found := _Phrase(line)).starts_with_value:
            return found.answer()
    outputs = _OUTPUT.findall(text)
    if outputs and values(outputs[-1]):
        return last_value(outputs[-1])
    ending = text.rstrip().rpartition("\n")[2][-_MOST:]
    return None if _CODE.fullmatch(ending) else last_value(text)


def corrected(behind: str) -> str | None:
    """Return the single value that text behind a box announces as final or as a correction, None for any other text."""
    heads = _heads(behind[:TAIL])
    if not heads:
        return None
    before = behind[: heads[-1].start()]
    if not _FINAL.search(before[-20:] + heads[-1].group()) and not _WRONG.search(before[-200:]):
        return None
    found = _Phrase(behind[heads[-1].end() : heads[-1].end() + _MOST])
    single = found.starts_with_value and len(found.values) == 1 and not found.values[0].is_name
    return found.answer() if single else None


def _heads(text: str) -> list[re.Match[str]]:
    lowered = text.lower()
    # one search for each noun is much faster than the pattern of all of them
    if any(noun in lowered for noun in (_LATIN if text.isascii() else _ALL)):
        return list(_HEAD.finditer(text))
    return list(_HEAD_ENGLISH.finditer(text)) if "ans" in lowered else []


def last_value(text: str) -> str | None:
    """Return the value that the last sentence with one is about: a formula before a number, unless "is" leads to it.

    Two values joined by "or" are both the answer. None where the last value is denied.
    """
    # most texts end with it: the long way back is only for the others
    for reach in (_NEAR, _LAST):
        part = text[-reach:]
        everything = values(part)
        named = [one for one in everything if not one.is_name] or list(everything)
        prose = blanked(part, everything)
        while named and _in_question(prose, named[-1]):
            named.pop()
        start = _sentence_start(prose, everything, named[-1]) if named else 0
        if start or len(part) == len(text):
            break
    if not named:
        return None
    text = part
    inside = [one for one in named if one.start >= start][-_MOST_MARKS:]
    allowed = [one for one in inside if not _denied(text, one)]
    if not allowed:
        return None
    last = allowed[-1]
    if last.kind == "number" and not _COPULA.search(text, max(last.start - 60, start), last.start):
        last = next((one for one in reversed(allowed) if one.kind != "number"), last)
    joint = _OR if last.kind == "number" else _BETWEEN
    chain = [last]
    for before in reversed(allowed[: allowed.index(last)]):
        if before.kind != last.kind or not joint.fullmatch(text, before.end, chain[0].start):
            break
        chain.insert(0, before)
    if last.kind == "number" and len(chain) == 1:
        return _expression(text[start:], last.start - start, last)
    return ", ".join(one.text for one in chain)


def _expression(sentence: str, at: int, number: Value) -> str:
    """Return a number with what belongs to it: a word of scale behind it, the algebra that it is a part of."""
    behind = _ALGEBRA_BEHIND.match(sentence, at + number.end - number.start) or _SCALE.match(
        sentence, at + number.end - number.start
    )
    written = number.text + (behind.group() if behind else "")
    before = _ALGEBRA_BEFORE.search(sentence[:at])
    # "pages 3-5" is no difference: of numbers alone only what "is" leads to is calculated
    if before is None or not (re.search("[A-Za-z]", before.group()) or _COPULA.search(sentence, 0, before.start())):
        return written
    return before.group() + written


def _marked(text: str) -> str | None:
    """Return what `<answer>...</answer>` or a line `#### ...` holds."""
    for opening in reversed(list(_XML.finditer(text[-TAIL:]))[-_MOST_MARKS:]):
        block = _XML_END.split(text[-TAIL:][opening.end() : opening.end() + 2 * _MOST], maxsplit=1)[0]
        if answer := _Phrase(block).answer() or block.strip():
            return answer
    for line in reversed(_MARKED.findall(text)[-_MOST_MARKS:]):
        if answer := _Phrase(line).answer():
            return answer
    return None


def _sentence_start(prose: str, found: list[Value], last: Value) -> int:
    """Return where the sentence of a value begins; full stops inside formulas end none, one at a formula's end does."""
    ended = [one.end for one in found if one.end <= last.start and one.kind == "formula" and one.text[-1] in ".!?"]
    ended += [end.end() for end in _END.finditer(prose, 0, last.start)]
    return max(ended, default=0)


def _in_question(prose: str, value: Value) -> bool:
    end = _END.search(prose, value.end) if "?" in prose or "？" in prose else None
    return end is not None and end.group() in ("?", "？")


def _with_point(value: Value) -> Value:
    """Write 3,5 as 3.5: outside English a comma before one or two digits is the decimal one."""
    return value._replace(text=_COMMA.sub(r"\1.\2", value.text)) if value.kind == "number" else value


def _denied(text: str, value: Value) -> bool:
    return _NOT.search(text, max(value.start - 60, 0), value.start) is not None


class _Phrase:
    """What follows an announcement, up to the end of its sentence."""

    def __init__(self, rest: str, english: bool = True) -> None:
        self.english = english
        lead = _LEAD.match(rest)
        self.start = lead.end() if lead else 0
        found = [one for one in values(rest) if one.end > self.start]
        ends = (end.start() for end in _END.finditer(rest, self.start))
        self.end = next((at for at in ends if not any(one.start <= at < one.end for one in found)), len(rest))
        self.text = rest[: self.end]
        found = [one if english else _with_point(one) for one in found if one.start < self.end]
        self.values = [one for one in found if not _denied(rest, one)]
        self.denied = bool(found) and not self.values
        self.is_question = rest[self.end : self.end + 1] in ("?", "？")

    @property
    def starts_with_value(self) -> bool:
        return bool(self.values) and self.values[0].start <= self.start

    def answer(self) -> str | None:
        """Return the answer in it, None where there is none."""
        if self.is_question:
            return None
        clause = self._clause()
        if (
            self.starts_with_value
            and not self.values[0].is_name
            and self._joined(self.values[0])[1] != self.values[0].end
        ):
            return self._chain(self.values[0])
        numbers_only = all(one.kind == "number" for one in self.values)
        if numbers_only and clause and _MATHS.fullmatch(clause) and re.search(r"\w", clause):
            left, equal, right = clause.strip("()").rpartition("=")
            clause = right.strip() if equal and not re.search("[A-Za-z]", left) else clause
            return clause.replace("−", "-")
        if not self.values:
            return clause if clause and len(clause.split()) <= _MOST_WORDS else None
        led = [one for one in self.values if _COPULA.search(self.text, max(one.start - 60, self.start), one.start)]
        real = [one for one in self.values if not one.is_name]
        if self.starts_with_value and not (self.values[0].is_name and led):
            behind = [one for one in led if self.text[: one.start].rstrip(" *_($").endswith("=")]
            return self._chain(behind[-1] if behind else self.values[0])
        if led:
            return self._chain(led[-1])
        written = [one for one in real if one.kind != "number"]
        return self._chain(written[-1] if written else real[0] if real else self.values[-1])

    def _joined(self, first: Value) -> tuple[list[Value], int]:
        """Return `first` with the values that follow it behind connectors only, and where they end."""
        chain, end = [first], first.end
        for one in self.values[self.values.index(first) + 1 :]:
            if not _BETWEEN.fullmatch(self.text, end, one.start):
                break
            end = one.end
            # "3/4 or 75 %" is one value, twice
            if not any(same_number(one.text, other.text) for other in chain):
                chain.append(one)
        return chain, end

    def _chain(self, first: Value) -> str:
        """Join the values that are one answer with `first`; a single number keeps its unit, "5 feet 6 inches" all."""
        chain, joined_end = self._joined(first)
        if joined_end != first.end:
            return ", ".join(one.text for one in chain)
        if first.kind == "formula":
            return first.text
        written, end = first.text, first.end
        for following in (*self.values[self.values.index(first) + 1 :], None):
            tail = _TAIL.match(self.text, end)
            scale = _SCALE.match(self.text, end)
            # units of other languages would only hide the number
            unit = scale.group() if scale else tail.group() if tail and self.english else ""
            written, end = written + unit, end + len(unit)
            if following is None or not unit or not _COMPOUND.fullmatch(self.text, end, following.start):
                break
            written, end = written + self.text[end : following.start] + following.text, following.end
        return written.rstrip(" .*_")

    def _clause(self) -> str:
        clause = _CLAUSE.split(self.text[self.start :], maxsplit=1)[0]
        clause = clause.strip().strip("*_").rstrip(" .,:!").strip()
        # the end of what the announcement is in: {"answer": 72}
        while clause[-1:] in tuple(")]}") and sum(map(clause.count, ")]}")) > sum(map(clause.count, "([{")):
            clause = clause[:-1].rstrip()
        return clause
