"""Names of models in English text, and the names by which this project knows them.

By families that are known by name, and by the form of a name ("Acme-7B", "org/Acme-7B-Instruct"). Hardware, benchmarks
and makers without a model ("OpenAI") are none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from harness.config import pages

FAMILIES = (
    "ChatGPT", "GPT", "gpt-oss", "Claude", "Gemini", "Gemma", "Code Llama", "CodeLlama", "TinyLlama", "LLaMA", "Llama",
    "Mistral", "Mixtral", "Ministral", "Codestral", "Devstral", "Magistral", "Qwen", "QwQ", "DeepSeek-Coder",
    "DeepSeek", "Phi", "Grok", "Kimi", "ChatGLM", "GLM", "Yi", "Falcon", "Command", "Nemotron", "Granite", "InternLM",
    "MiniMax", "ERNIE", "Hunyuan", "Baichuan", "StarCoder", "WizardCoder", "WizardLM", "SmolLM", "OLMo", "Pythia",
    "StableLM", "Zephyr", "Vicuna", "Jamba", "Aya", "EXAONE", "SOLAR", "DBRX", "Apertus", "Orca", "Nova", "Sonnet",
    "Opus", "Haiku", "PaLM", "Bard", "Bloom", "BLOOM", "MPT", "OPT", "StarChat", "Seed", "LFM", "Step", "Dolly",
)  # fmt: skip
# Beside these a name is complete without a number ("Mixtral", but not "Claude")
ALONE = ("ChatGPT", "Mixtral", "Codestral", "Devstral", "Magistral", "Vicuna", "StarCoder", "WizardCoder", "TinyLlama")
_VERSION = (
    r"(?:\d+(?:\.\d+)*[a-z]?(?![\d%]|\.\d)|[VvRrKkMm]\d+(?:\.\d+)*|\d+(?:\.\d+)?[BbMm](?:-A\d+(?:\.\d+)?B)?|\d+x\d+[Bb]|"
    r"Coder|Deep|Math|Instruct|instruct|Chat|chat|Base|base|Distill|Qwen|Llama|Pro|Max|Plus|Flash|Lite|Mini|mini|Nano|nano|"
    r"Turbo|turbo|Sonnet|Opus|Haiku|Ultra|Large|Medium|Small|Next|Thinking|Preview|preview|Omni|Exp|Air|Scout|Maverick|"
    r"it|pt|Nemo|NeMo|Super|oss|R)"
)
_FAMILY = re.compile(
    r"(?<![\w/-])(?P<family>"
    + "|".join(map(re.escape, FAMILIES))
    + r")(?:['’]s(?= [VR]\d))?(?P<version>(?:[-\s]?"
    + _VERSION
    + r"(?![A-Za-z]))*)"
)
# In small letters a name needs its version ("qwen3-4b"); families that are English words are none
_SMALL = re.compile(
    r"(?<![\w/.-])(?:gpt|claude|gemini|gemma|llama|mistral|ministral|qwen|deepseek|phi|smollm|olmo|glm|internlm|exaone)"
    r"-?[vr]?\d[\w.]*(?:-[\w.]+)*(?<!\.)"
)
_O_SERIES = re.compile(r"(?<![\w/-])o[134](?:-(?:mini|pro|preview))?(?![\w-])")
_HUB = re.compile(r"(?<![\w/])[A-Za-z][\w.-]{1,40}/[A-Z][\w.-]*\d[\w.-]*[\w]")
_SIZED = re.compile(
    r"(?<![\w/-])[A-Z][A-Za-z]+(?:-[A-Z][A-Za-z]+)*(?:[- ]?[Vv]?\d+(?:\.\d+)*)?"
    r"[- ]\d+(?:\.\d+)?[BM](?:-[A-Z][a-z]+)?(?![\w])"
)
_VERSIONED = re.compile(r"(?<![\w/-])[A-Z][a-z]+[A-Za-z]*-[Vv]?\d+(?:\.\d+)*(?:-[A-Za-z]+)*(?![\w])")
# What looks like a name with a number and is no model
NO_MODELS = re.compile(
    r"^(?:[AHBLV]\d{2,3}|RTX|The|Our|Its|This|That|Each|Both|Top|Level|Tier|Phase|Stage|Chapter|Figure|Table|Python|Java|Version|Apache|AIME|MATH|GSM|MMLU|"
    r"HumanEval|MBPP|ARC|SWE|MT|IFEval|BBH|GPQA|Covid|COVID|Series|Web|Type|January|February|March|April|May|June|July|"
    r"August|September|October|November|December)(?![a-z])"
)

_KIND = r"(?:(?:large |small )?language model|LLM|chatbot|AI (?:model|assistant)|foundation model)\b"
_BARE = r"(?P<name>[A-Z][a-z]{2,}(?: [A-Z][a-z]+)?(?: \d+(?:\.\d+)?)?)"
# "Acme, a language model", "a language model called Acme", "Acme is an open language model"
_DECLARED = (
    re.compile(rf"\b{_BARE}, (?:a|an|its|the|our|their) (?:(?!of\b)[\w-]+ ){{0,5}}?{_KIND}"),
    re.compile(rf"^\**(?:Introducing|Announcing|Presenting|Meet) {_BARE}(?![\w-])"),
    re.compile(rf"{_KIND},? (?:called|named|dubbed) {_BARE}\b"),
    re.compile(rf"(?<![\w,] ){_BARE} is (?:a|an|our) (?:(?!of\b)[\w-]+ ){{0,5}}?{_KIND}"),
)

# Behind these a name is what a sentence compares with
COMPARED = re.compile(
    r"\b(?:than|versus|vs\.?|against|(?:size|price|cost|that) of|beat\w*|edg\w+ (?:out|past)|"
    r"(?:out-?perform|outscor|surpass|match|rival|trail|exceed)\w*|(?:[Uu]n)?like|such as|par with|"
    r"[Cc]ompared (?:with|to)|(?<!company )(?<!team )(?<!lab )(?<!makers )(?<!startup )(?<!firm )(?<!people )behind)"
    r"\s+(?:both\s+)?(?:[A-Z]\w+['’]s )?$"
)
# "against 84 percent for GPT-4o", "(GPT-4o: 74.3)": the number beside it is set against the subject's
OF_OTHER = re.compile(
    r"\b(?:versus|vs\.?|against|compared (?:with|to)|than)\s+(?:\S+ ){1,3}"
    r"(?:for|by|of|from|at|on)\s+(?:[A-Z]\w+['’]s )?$|"
    r"\d\s*%?\s*\($"
)
LISTED = re.compile(r"(?:\s*,)?\s*(?:,|and|or|as well as)\s+(?:the )?(?:[A-Z]\w+['’]s )?")
# A name with one of these more is another model
VARIANTS = frozenset(
    (
        "mini", "nano", "small", "large", "lite", "turbo", "pro", "max", "flash", "coder", "math", "distill", "air",
        "plus", "medium", "omni", "vl",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mention:
    """A model's name as it is written, its offsets in the sentence, and its name in small letters with hyphens."""

    written: str
    start: int
    end: int

    @property
    def name(self) -> str:
        """The name as pages write it: "Claude 3.5 Sonnet" is claude-3.5-sonnet."""
        return re.sub(r"(?:['’]s)?[\s_]+", "-", self.written.rpartition("/")[2].strip()).casefold()


def mentions(text: str) -> list[Mention]:
    """The models that a text names, in its order."""
    found: list[Mention] = []
    for pattern in (_HUB, _FAMILY, _O_SERIES, _SMALL, _SIZED, _VERSIONED):
        for match in pattern.finditer(text):
            written = match.group().rstrip(" -.")
            if pattern is _FAMILY and not match["version"].strip(" -") and match["family"] not in ALONE:
                continue
            if NO_MODELS.match(written) or any(one.start < match.end() and match.start() < one.end for one in found):
                continue
            found.append(Mention(written, match.start(), match.start() + len(written)))
    return sorted(found, key=lambda one: one.start)


def subject_of(texts: Sequence[str], header: str = "") -> str | None:
    """The model that an article is about: the one it names most, the earlier of two; None where it names none.

    What a sentence compares with counts a third of what it is about, and the first model that is not compared with
    counts twice. A model that is only ever compared with, or named in a table's `header` alone, is none that it is
    about. A name that begins another counts for it too ("Acme-2" and "Acme-2-7B"), and where it begins one other only,
    that is the model.
    """
    written: dict[str, str] = {}
    counts: Counter[str] = Counter()
    named_itself: set[str] = set()
    first = True
    for text in texts:
        aside_before: Mention | None = None
        for mention in mentions(text):
            if written.setdefault(mention.name, mention.written).isupper():
                written[mention.name] = mention.written
            listed = aside_before is not None and LISTED.fullmatch(text[aside_before.end : mention.start])
            before = text[: mention.start]
            aside = listed or COMPARED.search(before) or OF_OTHER.search(before) or re.search("['’]s ", mention.written)
            aside_before = mention if aside else None
            if not aside:
                named_itself.add(mention.name)
            counts[mention.name] += 1 if aside else 6 if first else 3
            first = first and bool(aside)
    for mention in mentions(header):
        written.setdefault(mention.name, mention.written)
        counts[mention.name] += 3
    total = {name: sum(counts[other] for other in counts if begins(name, other)) for name in counts}
    total = {name: n for name, n in total.items() if any(same_model(name, one) for one in named_itself)}
    if not total:
        return None
    # max keeps the first of equals, and the names are in the order of the text
    most = max(total, key=lambda name: total[name])
    longer = [name for name in counts if begins(most, name) and not begins(name, most)]
    longer = [name for name in longer if not any(begins(name, other) for other in longer if other != name)]
    return written[longer[0] if len(longer) == 1 else most]


def declared_in(texts: Sequence[str]) -> str | None:
    """The one bare name that the sentences introduce as a language model ("Acme, a language model"); None for several.

    Such a name has no number and is of no known family, so that `mentions` does not see it.
    """
    found = {match["name"] for text in texts for pattern in _DECLARED for match in pattern.finditer(text)}
    return found.pop() if len(found) == 1 and not mentions(" ".join(found)) else None


def begins(name: str, longer: str) -> bool:
    """Whether `longer` is `name` with nothing added but what makes no other model ("llama-3.1-8b-instruct")."""
    a, b = _tokens(name), _tokens(longer)
    return b[: len(a)] == a and not VARIANTS.intersection(b[len(a) :])


def same_model(name: str, other: str) -> bool:
    """Whether two names may mean one model: one begins the other, and what is left over names no variant."""
    return begins(name, other) or begins(other, name)


def other_names(name: str) -> list[str]:
    """Names of this project's model pages and claims that are `name` with more to it, or the same by a claim page."""
    families = [family for family in _families() if any(_tokens(one) == _tokens(name) for one in family)]
    stated = [one for family in families for one in family]
    return list(dict.fromkeys(one for one in (*_known_models(), *stated) if _is_of(one, name, stated)))


def price_pages_of(name: str) -> list[str]:
    """Price pages of the models that `name` may mean."""
    names = [name, *other_names(name)]
    return [page for page in pages.index("configs/prices") if any(begins(one, page) for one in names)]


def _is_of(known: str, name: str, stated: Sequence[str]) -> bool:
    return known != name and (begins(name, known) or known in stated)


def _tokens(name: str) -> list[str]:
    """The parts of a name, the same for "Claude-3-5-Sonnet" and "Claude 3.5 Sonnet", and for "Gemma3" and "Gemma 3"."""
    plain = re.sub(r"[\s_]+", "-", name.rpartition("/")[2].strip().casefold())
    plain = re.sub(r"(?<=-\d)-(?=\d(?:-|$))", ".", plain)
    return re.sub(r"^([a-z]+)(?=\d)", r"\1-", plain).split("-")


@cache
def _known_models() -> tuple[str, ...]:
    found = [*pages.index("configs/models"), *(name for family in _families() for name in family)]
    return tuple(dict.fromkeys(name for name in found if not name.startswith("demo-")))


@cache
def _families() -> tuple[tuple[str, ...], ...]:
    """The models of the shipped claims, each with the names that its page gives it."""
    from harness.claims.page import KIND, claim_page

    return tuple(
        (party.model, *party.also)
        for stem in pages.index(KIND)
        for claim in claim_page(stem)[0].claims
        for party in (claim.subject, *claim.comparators)
    )


def distinct(found: Iterable[Mention]) -> list[Mention]:
    """Each model once, as it is written first."""
    kept: dict[str, Mention] = {}
    for mention in found:
        kept.setdefault("-".join(_tokens(mention.name)), mention)
    return list(kept.values())
