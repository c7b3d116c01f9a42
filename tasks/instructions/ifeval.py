"""The 25 instructions of IFEval (Zhou et al. 2023, arXiv 2311.07911), and whether an answer follows them.

Verdicts are those of the paper's program as lm-evaluation-harness 0.4.13 has it, odd ones too: keywords are regular
expressions, a highlight in two asterisks counts twice, and a text whose language cannot be determined passes. Two
things differ: language detection has a fixed seed (there its verdict can change from run to run), and a character
that is no letter (2 rows) is counted itself, where there a letter is drawn at random.

Sentences, words in capitals and languages need three packages, `pip install 'harness[ifeval]'`; rows without such
instructions need none.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

Check = Callable[..., bool]
WITH_PACKAGES = {
    "language:response_language",
    "length_constraints:number_sentences",
    "change_case:capital_word_frequency",
    "change_case:english_capital",
    "change_case:english_lowercase",
}
JOINERS = "\u200c\u200d"
OPTIONS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")


# --- rows and scores -----------------------------------------------------------------------------


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Drop arguments that are null: on the hub every instruction has the arguments of all of them."""
    arguments = [{name: value for name, value in each.items() if value} for each in row["kwargs"]]
    unknown = [name for name in row["instruction_id_list"] if name not in CHECKS]
    if unknown:
        raise ValueError(f"unknown instruction {unknown[0]!r}")
    if not WITH_PACKAGES.isdisjoint(row["instruction_id_list"]):
        # Before a model loads, not when its first answer is scored
        sentence_tokenizer(), word_tokenizer(), languages()
    kept = {**row, "kwargs": arguments}
    return {**kept, "example": example(kept)}


def prompt_strict(sample: Mapping[str, Any], completion: str) -> dict[str, Any]:
    """Score 1 where the answer follows every instruction as it is."""
    return _all(sample, [completion])


def prompt_loose(sample: Mapping[str, Any], completion: str) -> dict[str, Any]:
    """Score 1 where each instruction is followed by a form of the answer: less its first or last line, less `*`."""
    return _all(sample, loose_forms(completion))


def instruction_strict(sample: Mapping[str, Any], completion: str) -> dict[str, Any]:
    """Return the share of instructions followed; `weight` is their number, for the metric `weighted_mean`."""
    return _share(sample, [completion])


def instruction_loose(sample: Mapping[str, Any], completion: str) -> dict[str, Any]:
    """As `instruction_strict`, for the loose forms."""
    return _share(sample, loose_forms(completion))


def loose_forms(completion: str) -> list[str]:
    """Return the answer, without its first line, its last, and both; each also without asterisks."""
    lines = completion.split("\n")
    forms = [completion, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    return forms + [form.replace("*", "") for form in forms]


def followed(sample: Mapping[str, Any], forms: list[str]) -> dict[str, bool]:
    """Return "number instruction" -> whether one of the forms follows it."""
    pairs = zip(sample["instruction_id_list"], sample["kwargs"], strict=True)
    return {
        f"{number} {name}": any(form.strip() != "" and CHECKS[name](form, **arguments) for form in forms)
        for number, (name, arguments) in enumerate(pairs)
    }


def _all(sample: Mapping[str, Any], forms: list[str]) -> dict[str, Any]:
    verdicts = followed(sample, forms)
    missed = [name for name, good in verdicts.items() if not good]
    return {"value": not missed, "explanation": f"not followed: {', '.join(missed)}" if missed else "all followed"}


def _share(sample: Mapping[str, Any], forms: list[str]) -> dict[str, Any]:
    verdicts = followed(sample, forms)
    return {"value": sum(verdicts.values()) / len(verdicts), "detail": {"weight": len(verdicts), "followed": verdicts}}


def example(row: Mapping[str, Any]) -> str:
    """Return a text that follows the row's instructions, to try the scoring by; nothing for most rows."""
    words = ["alpha"]
    for name, arguments in zip(row["instruction_id_list"], row["kwargs"], strict=True):
        match name.partition(":")[2]:
            case "no_comma":
                pass
            case "title":
                words.append("<<alpha>>")
            case "number_placeholders":
                words += ["[alpha]"] * int(arguments["num_placeholders"])
            case "number_highlighted_sections":
                words += ["*alpha*"] * int(arguments["num_highlights"])
            case "number_words" if arguments["relation"] == "at least":
                words += ["alpha"] * int(arguments["num_words"])
            case _:
                return ""
    return " ".join(words)


# --- what needs packages -------------------------------------------------------------------------


def _missing(error: ImportError) -> ImportError:
    return ImportError(f"IFEval needs the package {error.name}; install harness[ifeval]")


@cache
def languages() -> Any:
    """Return what detects languages. Raises ImportError that names the extra, as the next two do."""
    try:
        from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory
    except ImportError as error:
        raise _missing(error) from None
    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    # It draws features of the text at random
    factory.seed = 0
    return factory


@cache
def sentence_tokenizer() -> Any:
    """Return what splits English texts into sentences, NLTK's Punkt."""
    try:
        import punkt
        from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer
    except ImportError as error:
        raise _missing(error) from None
    # NLTK ships without models; the package punkt has the English one, and rules of its own that are not used here
    model, parameters = punkt.load_model("english"), PunktParameters()
    for part in ("abbrev_types", "collocations", "sent_starters"):
        getattr(parameters, part).update(getattr(model, part))
    parameters.ortho_context.update(model.ortho_context)
    return PunktSentenceTokenizer(parameters)


@cache
def word_tokenizer() -> Any:
    """Return what splits sentences into words."""
    try:
        from nltk.tokenize.destructive import NLTKWordTokenizer
    except ImportError as error:
        raise _missing(error) from None
    return NLTKWordTokenizer()


def language_of(text: str) -> str | None:
    """Return the ISO 639-1 code of a text's language; None where there is nothing to tell it by (no letters)."""
    detector = languages().create()
    from langdetect.lang_detect_exception import LangDetectException

    detector.append(text)
    try:
        return str(detector.detect())
    except LangDetectException:
        return None


def sentences(text: str) -> list[str]:
    """Split an English text into sentences."""
    return list(sentence_tokenizer().tokenize(text))


def tokens(text: str) -> Iterator[str]:
    """Split an English text into words as NLTK's `word_tokenize` does."""
    for sentence in sentences(text):
        yield from word_tokenizer().tokenize(sentence)


# --- the instructions ----------------------------------------------------------------------------


def _compared(count: int, relation: str, bound: int) -> bool:
    return count < bound if relation == "less than" else count >= bound


def _existence(text: str, keywords: list[str]) -> bool:
    return all(re.search(keyword, text, re.IGNORECASE) for keyword in keywords)


def _frequency(text: str, keyword: str, frequency: int, relation: str) -> bool:
    return _compared(len(re.findall(keyword.strip(), text, re.IGNORECASE)), relation, frequency)


def _forbidden_words(text: str, forbidden_words: list[str]) -> bool:
    return not any(re.search(rf"\b{word}\b", text, re.IGNORECASE) for word in forbidden_words)


def _letter_frequency(text: str, letter: str, let_frequency: int, let_relation: str) -> bool:
    return _compared(text.lower().count(letter.lower()), let_relation, let_frequency)


def _response_language(text: str, language: str) -> bool:
    return language_of(text) in (language, None)


def _number_sentences(text: str, num_sentences: int, relation: str) -> bool:
    return _compared(len(sentences(text)), relation, num_sentences)


def _number_paragraphs(text: str, num_paragraphs: int) -> bool:
    parts = re.split(r"\s?\*\*\*\s?", text)
    filled = [bool(part.strip()) for part in parts]
    return all(filled[1:-1]) and sum(filled) == num_paragraphs


def _number_words(text: str, num_words: int, relation: str) -> bool:
    # Vowel signs and joiners are parts of a word, which `\w` of `re` does not know
    joined = "".join("x" if unicodedata.category(sign)[0] == "M" or sign in JOINERS else sign for sign in text)
    return _compared(len(re.findall(r"\w+", joined)), relation, num_words)


def _nth_paragraph_first_word(text: str, num_paragraphs: int, nth_paragraph: int, first_word: str) -> bool:
    parts = text.split("\n\n")
    count = sum(bool(part.strip()) for part in parts)
    if nth_paragraph > count or not parts[nth_paragraph - 1].strip():
        return False
    word = parts[nth_paragraph - 1].split()[0].lstrip("'").lstrip('"')
    return count == num_paragraphs and re.split("[.,?!'\"]", word, maxsplit=1)[0].lower() == first_word.lower()


def _number_placeholders(text: str, num_placeholders: int) -> bool:
    return len(re.findall(r"\[.*?\]", text)) >= num_placeholders


def _postscript(text: str, postscript_marker: str) -> bool:
    marker = postscript_marker.strip()
    known = {"P.P.S": r"p\.\s?p\.\s?s", "P.S.": r"p\.\s?s\."}
    return re.search(known.get(marker, marker.lower()), text.lower()) is not None


def _number_bullet_lists(text: str, num_bullets: int) -> bool:
    stars = re.findall(r"^\s*\*[^\*].*$", text, re.MULTILINE)
    return len(stars) + len(re.findall(r"^\s*-.*$", text, re.MULTILINE)) == num_bullets


def _constrained_response(text: str) -> bool:
    return any(option in text for option in OPTIONS)


def _number_highlighted_sections(text: str, num_highlights: int) -> bool:
    single = sum(bool(found.strip("*").strip()) for found in re.findall(r"\*[^\n\*]*\*", text))
    double = sum(bool(found[2:-2].strip()) for found in re.findall(r"\*\*[^\n\*]*\*\*", text))
    return single + double >= num_highlights


def _multiple_sections(text: str, section_spliter: str, num_sections: int) -> bool:
    return len(re.findall(rf"\s?{section_spliter.strip()}\s?\d+\s?", text)) >= num_sections


def _json_format(text: str) -> bool:
    text = text.strip()
    for fence in ("```json", "```Json", "```JSON", "```"):
        text = text.removeprefix(fence)
    try:
        json.loads(text.removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


def _title(text: str) -> bool:
    return any(found.lstrip("<").rstrip(">").strip() for found in re.findall(r"<<[^\n]+>>", text))


def _two_responses(text: str) -> bool:
    parts = [part.strip() for part in text.split("******")]
    given = [part for part in parts if part]
    return all(parts[1:-1]) and len(given) == 2 and given[0] != given[1]


def _repeat_prompt(text: str, prompt_to_repeat: str) -> bool:
    return text.strip().lower().startswith(prompt_to_repeat.strip().lower())


def _end_checker(text: str, end_phrase: str) -> bool:
    return text.strip().strip('"').lower().endswith(end_phrase.strip().lower())


def _capital_word_frequency(text: str, capital_frequency: int, capital_relation: str) -> bool:
    return _compared(sum(token.isupper() for token in tokens(text)), capital_relation, capital_frequency)


def _english_capital(text: str) -> bool:
    return text.isupper() and language_of(text) in ("en", None)


def _english_lowercase(text: str) -> bool:
    return text.islower() and language_of(text) in ("en", None)


def _no_comma(text: str) -> bool:
    return "," not in text


def _quotation(text: str) -> bool:
    text = text.strip()
    return len(text) > 1 and text[0] == text[-1] == '"'


CHECKS: dict[str, Check] = {
    "keywords:existence": _existence,
    "keywords:frequency": _frequency,
    "keywords:forbidden_words": _forbidden_words,
    "keywords:letter_frequency": _letter_frequency,
    "language:response_language": _response_language,
    "length_constraints:number_sentences": _number_sentences,
    "length_constraints:number_paragraphs": _number_paragraphs,
    "length_constraints:number_words": _number_words,
    "length_constraints:nth_paragraph_first_word": _nth_paragraph_first_word,
    "detectable_content:number_placeholders": _number_placeholders,
    "detectable_content:postscript": _postscript,
    "detectable_format:number_bullet_lists": _number_bullet_lists,
    "detectable_format:constrained_response": _constrained_response,
    "detectable_format:number_highlighted_sections": _number_highlighted_sections,
    "detectable_format:multiple_sections": _multiple_sections,
    "detectable_format:json_format": _json_format,
    "detectable_format:title": _title,
    "combination:two_responses": _two_responses,
    "combination:repeat_prompt": _repeat_prompt,
    "startend:end_checker": _end_checker,
    "startend:quotation": _quotation,
    "change_case:capital_word_frequency": _capital_word_frequency,
    "change_case:english_capital": _english_capital,
    "change_case:english_lowercase": _english_lowercase,
    "punctuation:no_comma": _no_comma,
}
