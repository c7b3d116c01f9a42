"""What a sentence is about, as tasks of this project: a benchmark that it names, or an ability ("coding").

A benchmark that nothing here runs is a topic without tasks, with the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.claims.drafting.names import mentions
from harness.config import pages


@dataclass(frozen=True, slots=True)
class Topic:
    """`tasks` that measure it, `metric`; `named`: the sentence names the benchmark; `why`: why nothing measures it."""

    words: str
    tasks: tuple[str, ...] = ()
    metric: str = "accuracy"
    named: bool = False
    why: str = ""

    @property
    def is_stated(self) -> bool:
        """Whether the benchmark that is named is the task itself ("MBPP"), and no variant of it ("MMLU", mmlu_cot)."""
        return self.named and [_plain(self.words)] == [_plain(task) for task in self.tasks]


def _plain(name: str) -> str:
    """A benchmark's name without its signs: "HumanEval+" and humaneval_plus, "AIME '25" and aime_2025 are the same."""
    plain = re.sub(r"[^a-z0-9]", "", name.casefold().replace("+", "plus"))
    return re.sub(r"(?<=[a-z])20(?=\d\d$)", "", plain).replace("lcb", "livecodebench")


# Pattern -> tasks. More special ones come first, and what one has matched the later ones do not see
BENCHMARKS: dict[str, tuple[str, ...]] = {
    r"HumanEval\s?(?:\+|Plus)": ("humaneval_plus",),
    r"EvalPlus": ("humaneval_plus", "mbpp_plus"),
    r"MBPP\s?(?:\+|Plus)": ("mbpp_plus",),
    r"HumanEval-X": ("humanevalx_cpp", "humanevalx_java", "humanevalx_js", "humanevalx_go", "humanevalx_rust"),
    r"MultiPL-E": ("multipl_e_cpp", "multipl_e_java", "multipl_e_js"),
    r"(?i:HumanEval)": ("humaneval",),
    r"MBPP": ("mbpp",),
    r"LiveCodeBench|LCB\b": ("livecodebench",),
    r"BigCodeBench(?:-Hard)?": ("bigcodebench_hard",),
    r"CRUXEval(?:-O)?": ("cruxeval_o",),
    r"GSM-?Plus": ("gsm_plus_mini",),
    r"GSM-?Hard": ("gsm_hard",),
    r"(?i:GSM-?8K)": ("gsm8k_cot_zeroshot",),
    r"MATH[- ]?500": ("math500",),
    r"MATH[- ]?(?:Level|level|lvl)[- ]?5": ("math_level5",),
    r"AIME\s?(?:20)?'?25": ("aime_2025",),
    r"AIME(?:\s?(?:20)?'?24)?": ("aime_2024",),
    r"HMMT(?:\s?\w+)?(?:\s?2025)?": ("hmmt_feb_2025",),
    r"(?<![A-Za-z])MATH(?![A-Za-z])": ("hendrycks_math_boxed",),
    r"MGSM": ("mgsm_native_cot",),
    r"CMath": ("cmath",),
    r"SVAMP": ("svamp",),
    r"(?i:MMLU[- ]?Pro)": ("mmlu_pro_cot",),
    r"(?:Global[- ]?MMLU|MMMLU)": ("global_mmlu_cot",),
    r"(?i:MMLU)(?![- ]?Redux)": ("mmlu_cot",),
    r"ARC[- ]?(?:C\b|Challenge)": ("arc_challenge_cot",),
    r"ARC[- ]?(?:E\b|Easy)": ("arc_easy_cot",),
    r"HellaSwag": ("hellaswag_cot",),
    r"Wino[Gg]rande": ("winogrande_cot",),
    r"PIQA": ("piqa_cot",),
    r"OpenBookQA|OBQA": ("openbookqa_cot",),
    r"Common[Ss]enseQA|CSQA": ("commonsense_qa_cot",),
    r"BBH|BIG-?Bench[- ]?Hard": ("bbh_cot_zeroshot",),
    r"(?i:IF-?Eval)": ("ifeval",),
    r"XQuAD": ("xquad",),
    r"XCOPA": ("xcopa_cot",),
    r"Belebele": ("belebele_cot",),
    r"SIB-?200": ("sib200",),
}
# The field's benchmarks that this project does not run
ELSEWHERE = re.compile(
    "|".join(
        (
            r"SWE-?[Bb]ench(?:[- ](?:Verified|Lite|Pro|Multilingual))?", r"Terminal-?Bench",
            r"(?:LM\s?|Chatbot\s|Search )?Arena(?:-?Hard)?(?![a-z])", r"LMArena", r"MT-?Bench",
            r"AlpacaEval(?:\s?2(?:\.0)?)?", r"(?i:GPQA(?:[- ]Diamond)?)", r"Humanity's Last Exam", r"HLE",
            r"ARC-?AGI(?:-\d)?",
            r"MMMU(?:-Pro)?", r"MMLU-?Redux", r"SimpleQA", r"BrowseComp", r"(?:TAU|τ²?)-?[Bb]ench", r"BFCL", r"RULER",
            r"LongBench", r"NIAH", r"needle[- ]in[- ]a[- ]haystack", r"FrontierMath", r"Codeforces", r"OlympiadBench",
            r"IMO", r"C-?Eval", r"CMMLU", r"AGIEval", r"TruthfulQA", r"DROP", r"TriviaQA", r"NaturalQuestions",
            r"BoolQ",
            r"Aider(?:[- ]Polyglot)?", r"OSWorld", r"GAIA", r"SuperGPQA", r"MathVista", r"DocVQA", r"HealthBench",
            r"Spider", r"BIRD", r"RepoBench", r"WildBench", r"Artificial Analysis(?: Intelligence)? Index", r"HELM",
            r"Open LLM Leaderboard",
        )
    )
)  # fmt: skip
PASS_AT_1 = ("humaneval", "mbpp", "livecode", "bigcode", "multipl_e")
# Abilities, as sentences name them where they name no benchmark; more special ones first
ABILITIES: dict[str, tuple[str, ...]] = {
    r"Python and C\+\+|C\+\+ and Python": ("humaneval", "humanevalx_cpp"),
    r"C\+\+": ("humanevalx_cpp",),
    r"\bJava\b": ("humanevalx_java",),
    r"JavaScript": ("humanevalx_js",),
    r"\bRust\b": ("humanevalx_rust",),
    r"\bGo(?:lang)\b": ("humanevalx_go",),
    r"\bPython\b": ("humaneval_plus",),
    r"\b(?:programming|coding|code(?! of conduct| base)|"
    r"software (?:engineering|development)|developer benchmarks?)\b": ("humaneval_plus",),
    r"\b(?:competition|olympiad|competitive|advanced)[- ](?:level )?math\w*": ("aime_2025",),
    r"\b(?:math|maths|mathematics|mathematical|arithmetic)\b": ("math500",),
    r"\b(?:multilingual|languages?)\b(?! model)": ("mgsm_native_cot",),
    r"\b(?:instruction[- ]following|follow(?:s|ing)? instructions)\b": ("ifeval",),
    r"\b(?:common[- ]?sense)\b": ("hellaswag_cot",),
    r"\b(?:logical |general |complex )?reasoning\b(?! (?:model|variant))": ("bbh_cot_zeroshot",),
    r"\b(?:general |world |broad )?knowledge\b": ("mmlu_cot",),
}  # fmt: skip
# Pages with so many worked examples, where the usual one has none
WITH_SHOTS = {("gsm8k_cot_zeroshot", 5): "gsm8k", ("gsm8k_cot_zeroshot", 8): "gsm8k_cot"}
PREFERENCE = "preference is a judgement of people: nothing here measures it"
PROSE = "the quality of prose is a judgement of readers: nothing here measures it without human judges"
UNMEASURED = {
    r"\bcreative writing|storytelling|poetry|prose|fiction\b": PROSE,
    r"\bhallucinat\w+|factual\w*": "nothing here measures invented facts",
    r"\bsafety|harmless\w*|bias(?:es)?|toxic\w*|jailbreak\w*\b": "nothing here measures safety",
    r"\bvision|visual|images?|multimodal|video|audio|speech\b": "only text goes in and out here",
    r"\bagents?|agentic|(?:tool|function)[- ](?:use|calling)|computer use|browsing\b": "nothing here runs agents",
    r"\blong[- ]context|retrieval|recall\b": "nothing here measures recall over long contexts",
    r"\bhuman (?:preference|evaluat\w+|rater\w*)|user preference|conversation\w*|chat quality\b": PREFERENCE,
    r"\btranslation\b": "no page here measures translation",
    r"\bmedical|legal|finance|financial\b": "no page here measures this field",
}


def topics(text: str) -> list[Topic]:
    """What a sentence is about, in its order: benchmarks if it names any, else abilities; not what names models."""
    for model in mentions(text):
        text = text[: model.start] + " " * (model.end - model.start) + text[model.end :]
    named = _matches(text, BENCHMARKS, named=True)
    named += [
        (match.start(), Topic(match.group(), named=True, why=f"{match.group()} has no page in this project"))
        for match in ELSEWHERE.finditer(text)
        if not re.match(r"^[A-Z]{3,4}$", match.group()) or not text[match.end() :].startswith("'s ")
    ]
    found = named or _matches(text, ABILITIES, named=False)
    if not named:
        for pattern, why in UNMEASURED.items():
            if match := re.search(pattern, text, re.IGNORECASE):
                found.append((match.start(), Topic(match.group(), why=why)))
    return [topic for _, topic in sorted(found, key=lambda one: one[0])]


def tasks_with(tasks: tuple[str, ...], shots: int | None) -> tuple[str, ...]:
    """The tasks, each by its page with so many worked examples where there is one."""
    return tuple(WITH_SHOTS.get((task, shots or 0), task) for task in tasks)


def topic_of_cell(text: str) -> Topic | None:
    """The benchmark that a table's cell names, None if it names none; it may be one that nothing here runs."""
    found = [topic for topic in topics(text) if topic.named]
    return found[0] if found else None


def _matches(text: str, patterns: dict[str, tuple[str, ...]], *, named: bool) -> list[tuple[int, Topic]]:
    known = pages.index("tasks")
    found = []
    for pattern, tasks in patterns.items():
        flags = 0 if named else re.IGNORECASE
        match = re.search(pattern, text, flags)
        if match is None:
            continue
        here = tuple(task for task in tasks if task in known)
        metric = "pass@1" if tasks[0].startswith(PASS_AT_1) else "accuracy"
        why = "" if here else f"{match.group()} has no page in this project"
        found.append((match.start(), Topic(match.group(), here, metric, named, why)))
        text = text[: match.start()] + " " * (match.end() - match.start()) + text[match.end() :]
    return found
