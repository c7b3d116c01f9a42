"""BIG-Bench Hard without examples: the line before each question, and how its answer is read.

"flexible" reads, as lm-evaluation-harness 0.4.13 does, the last thing in the answer that has the form of the config's
answers, "strict" what follows "the answer is". One thing differs: numbers in words are read up to ninety-nine.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

# The descriptions that the benchmark's own few-shot prompts begin with
DESCRIPTIONS = {
    "boolean_expressions": "Evaluate the result of a random Boolean expression.",
    "causal_judgement": "Answer questions about causal attribution.",
    "date_understanding": "Infer the date from context.",
    "disambiguation_qa": "Clarify the meaning of sentences with ambiguous pronouns.",
    "dyck_languages": "Correctly close a Dyck-n word.",
    "formal_fallacies": "Distinguish deductively valid arguments from formal fallacies.",
    "geometric_shapes": "Name geometric shapes from their SVG paths.",
    "hyperbaton": "Order adjectives correctly in English sentences.",
    "logical_deduction_five_objects": (
        "A logical deduction task which requires deducing the order of a sequence of objects."
    ),
    "logical_deduction_seven_objects": (
        "A logical deduction task which requires deducing the order of a sequence of objects."
    ),
    "logical_deduction_three_objects": (
        "A logical deduction task which requires deducing the order of a sequence of objects."
    ),
    "movie_recommendation": "Recommend movies similar to the given list of movies.",
    "multistep_arithmetic_two": "Solve multi-step arithmetic problems.",
    "navigate": (
        "Given a series of navigation instructions, determine whether one would end up back at the starting point."
    ),
    "object_counting": "Questions that involve enumerating objects and asking the model to count them.",
    "penguins_in_a_table": "Answer questions about a table of penguins and their attributes.",
    "reasoning_about_colored_objects": ("Answer extremely simple questions about the colors of objects on a surface."),
    "ruin_names": "Select the humorous edit that 'ruins' the input movie or musical artist name.",
    "salient_translation_error_detection": (
        "Detect the type of error in an English translation of a German source sentence."
    ),
    "snarks": (
        "Determine which of two sentences is sarcastic.\n\n"
        'According to Cambridge University Dictionary, sarcasm is "the use of remarks that clearly '
        "mean the opposite of what they say, made in order to hurt someone's feelings or to "
        'criticize something in a humorous way." Sarcastic sentences often contain satirical or '
        "ironic utterances, hyperboles, ambivalent or witty remarks."
    ),
    "sports_understanding": (
        "Determine whether an artificially constructed sentence relating to sports is plausible or not."
    ),
    "temporal_sequences": ("Task description: Answer questions about which times certain events could have occurred."),
    "tracking_shuffled_objects_five_objects": (
        "A task requiring determining the final positions of a set of objects given their initial positions "
        "and a description of a sequence of swaps."
    ),
    "tracking_shuffled_objects_seven_objects": (
        "A task requiring determining the final positions of a set of objects given their initial positions "
        "and a description of a sequence of swaps."
    ),
    "tracking_shuffled_objects_three_objects": (
        "A task requiring determining the final positions of a set of objects given their initial positions "
        "and a description of a sequence of swaps."
    ),
    "web_of_lies": "Evaluate a random boolean function expressed as a word problem.",
    "word_sorting": "Sort a list of words.",
}
FORMS = {
    "boolean_expressions": r"\b(True|False)\b",
    "causal_judgement": r"\b(Yes|No|yes|no)\b",
    "dyck_languages": r"(?<= )([\" \[\(<{}>\)\]]+)|([\" \[\(<{}>\)\]]+)",
    "formal_fallacies": r"\b(valid|invalid)\b",
    "navigate": r"\b(Yes|No|yes|no)\b",
}
# Pattern of a no, pattern of a yes; a text that fits both is a no
VERDICTS = {
    "sports_understanding": (r"\b(no|not plausible)\b", r"\b(yes|plausible)\b"),
    "web_of_lies": (
        r"\b(no|does not tell the truth|is not telling the truth)\b",
        r"\b(yes|tells the truth|is telling the truth)\b",
    ),
}
NUMBERS = {"multistep_arithmetic_two", "object_counting"}
STATED = re.compile(r"(?:(?<=The answer is )|(?<=the answer is )|(?<=The answer: )|(?<=The final answer: ))(.*)(?=.)")
UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
WORDS = {word: value for value, word in enumerate(UNITS)} | {word: 20 + 10 * place for place, word in enumerate(TENS)}
IN_WORDS = re.compile(
    rf"(?:{'|'.join(TENS)})[ -](?:{'|'.join(UNITS[1:10])})|{'|'.join(sorted(WORDS, key=len, reverse=True))}"
)


def prepare(row: dict[str, Any]) -> dict[str, Any]:
    """Add `description`, and `gold`, an answer that must score 1; three targets are options' texts, not letters."""
    readable = row["target"].startswith("(") or "\nOptions:" not in row["input"] or row["config"] not in of_letters()
    gold = f"So the answer is {row['target']}." if readable else ""
    return {**row, "description": DESCRIPTIONS[row["config"]], "gold": gold}


def of_letters() -> set[str]:
    """Return the configs whose answers are letters of options."""
    return set(DESCRIPTIONS) - set(FORMS) - set(VERDICTS) - NUMBERS - {"word_sorting"}


def flexible(sample: Mapping[str, Any], completion: str) -> dict[str, Any]:
    """Score 1 where the last text in the form of an answer is the target."""
    config, question = sample["config"], sample["input"]
    if config in FORMS:
        found = _last(FORMS[config], completion)
    elif config in VERDICTS:
        found = _verdict(*VERDICTS[config], completion.lower())
    elif config in NUMBERS:
        found = _last(r"([-0-9]+)", completion) or _number_in_words(completion.lower())
    elif config == "word_sorting":
        found = _sorted_words(question, completion)
    else:
        found = _last(r"(\([A-Z]\))", completion) or _option(question, completion)
    return _judged(found, sample["target"])


def strict(sample: Mapping[str, Any], completion: str) -> dict[str, Any]:
    """Score 1 where the first "the answer is" is followed by the target, less one character (the full stop)."""
    stated = STATED.search(completion)
    return _judged(stated.group(1).strip() if stated else "", sample["target"])


def _judged(answer: str, target: str) -> dict[str, Any]:
    return {"value": bool(answer) and _plain(answer) == _plain(target), "answer": answer or None}


def _plain(text: str) -> str:
    return re.sub(r"[,\\\n\"]", "", re.sub(r"\.$", "", text)).lower()


def _last(pattern: str, text: str) -> str:
    matches = re.findall(pattern, text)
    if not matches:
        return ""
    last = matches[-1]
    return next((part for part in last if part), "").strip() if isinstance(last, tuple) else str(last).strip()


def _verdict(negative: str, positive: str, text: str) -> str:
    last = _last(f"{negative}|{positive}", text)
    return ("no" if re.search(negative, last) else "yes") if last else ""


def _number_in_words(text: str) -> str:
    matches = IN_WORDS.findall(text)
    return str(sum(WORDS[word] for word in re.split("[ -]", matches[-1]))) if matches else ""


def _sorted_words(question: str, text: str) -> str:
    words = question.split("List:")[1].split()
    found = re.findall("|".join(rf"\b{word}\b" for word in words), text)
    return " ".join(reversed(dict.fromkeys(reversed(found))))


def _option(question: str, text: str) -> str:
    """Read the last option whose text is written out, else the last letter behind a colon."""
    letters: dict[str, str] = {}
    shown = re.findall(r"\([A-Z]\)([^\n^(]*)", question)
    for place, option in enumerate(shown):
        letters[_unmarked(option.strip())] = f"({chr(ord('A') + place)})"
    texts = sorted(map(re.escape, letters), key=len, reverse=True)
    if last := _last("|".join(texts), _unmarked(text)):
        return letters.get(last, last)
    alone = "|".join(letter[1] for letter in dict.fromkeys(f"({chr(ord('A') + place)})" for place in range(len(shown))))
    last = _last(rf":[\s]*({alone})", text)
    return f"({last})" if last else ""


def _unmarked(text: str) -> str:
    return "".join(sign for sign in text.lower() if not unicodedata.category(sign).startswith("P"))
