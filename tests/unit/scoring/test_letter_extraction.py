"""The letter that a model names is read as a person would read it; a letter that is only mentioned is not."""

from __future__ import annotations

import pytest

from harness.datatypes import ChatPrompt, Choice, Completion, Message, Prompt, Sample, TextPrompt
from harness.execution.base import Limits
from harness.scoring.base import Tools
from harness.scoring.extractors.letter import build
from harness.scoring.factory import build_scorers

QUESTION = ChatPrompt((Message("user", "Which one?"),))
FOUR = Sample("s/0", {}, Choice(("north", "a cat", "east", "west"), 1))


def letter(text: str, prompt: Prompt = QUESTION, sample: Sample = FOUR) -> str | None:
    return build({})(text, prompt, sample)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Option D is the right one, because B and C fail.", "D"),
        ("I believe D fits best.", "D"),
        ("A is wrong, so it is B.", "B"),
        ("It is not A. It is D.", "D"),
        ("Both A and C are incorrect, which leaves D.", "D"),
        ("The answer is B, it cannot be A or C.", "B"),
        ("Answer: (A), since B is false", "A"),
        ("Answer: B) False", "B"),
        ("The answer:\n\nC) east", "C"),
        ("The correct answer isn't A but C.", "C"),
        ("It cannot be anything but C.", "C"),
        ("If it rained the answer would be A, but it is dry, so the answer is B.", "B"),
        ("A: incorrect. B: incorrect. C: correct. D: incorrect.", "C"),
        ("A is tempting but not correct. Only C is true.", "C"),
        ("A says north, C says east. We look for west, hence (d).", "D"),
        ("C east", "C"),
        ("A. north\nB. a cat\nC. east\nD. west\n\nThe answer is B.", "B"),
        ("(A) north (B) a cat (C) east (D) west. So (B)", "B"),
        ("We go through them one by one.\n\n**C**", "C"),
        ("The answer is B a cat", "B"),
        (r"The answer is $\mathbf{(C)}$", "C"),
        (r"\boxed{C. east}", "C"),
        (r"The answer is A. No: \boxed{\text{D}}", "D"),
    ],
)
def test_the_named_letter_is_read(text: str, expected: str) -> None:
    assert letter(text) == expected


@pytest.mark.parametrize(
    "text", ["C", "c", "(c)", "c.", "c)", "[C]", "__C__", "_C_", "**C**", "`C`", "$C$", "Ｃ", "（C）", "**(c)**", "“C”"]
)
def test_a_letter_alone_is_read_however_it_is_marked(text: str) -> None:
    assert letter(text) == "C"


@pytest.mark.parametrize(
    "text",
    [
        '{"answer": "C"}',
        "{'answer': 'c'}",
        '```json\n{"reason": "A and B are out", "answer": "C"}\n```',
        '{"choice": "c"}',
        "<answer>c</answer>",
    ],
)
def test_a_letter_in_a_field_is_read(text: str) -> None:
    assert letter(text) == "C"


@pytest.mark.parametrize(
    "text",
    [
        "A quick look shows that the second is right.",
        "a common idea",
        "The answer is a small dog.",
        "I think so.",
        "not A",
        "Neither A nor B is right.",
        "A, B and D are incorrect.",
        "The answer isn't C.",
        "The answer is A or B",
        "It is either A or C.",
        "Answer: A/B",
        "A. north\nB. a cat\nC. east\nD. west",
        "A low level of vitamin C explains it.",
        "The answer is C++",
        "The answer is Cairo.",
        "It was made in the U.S.A.",
        "E",
    ],
)
def test_a_letter_that_names_no_option_is_not_read(text: str) -> None:
    assert letter(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("La bonne réponse est la lettre D, non B.", "D"),
        ("Ce n'est pas A. La réponse est B.", "B"),
        ("Die richtige Antwort lautet: C", "C"),
        ("Nicht A, sondern B.", "B"),
        ("La respuesta correcta es la B.", "B"),
        ("no es ni A ni B", None),
        ("A resposta correta é a letra D.", "D"),
        ("La risposta corretta è B.", "B"),
        ("Правильный ответ: C", "C"),
        ("Ответ: Б", "B"),
        ("Doğru cevap B'dir.", "B"),
        ("答案是C，不是A。", "C"),
        ("C不是D", "C"),
        ("A不对，选B", "B"),
        ("正解はBです。", "B"),
        ("정답은 B입니다.", "B"),
        ("الإجابة الصحيحة هي ب", "B"),
        ("सही उत्तर B है।", "B"),
        ("সঠিক উত্তর হল খ", "B"),
        ("คำตอบคือ ค", "C"),
        ("Đáp án đúng là B.", "B"),
        ("התשובה הנכונה היא ב", "B"),
        ("Jibu sahihi ni C", "C"),
    ],
)
def test_answers_are_announced_in_many_languages(text: str, expected: str | None) -> None:
    assert letter(text) == expected


def test_a_capital_that_two_scripts_share_is_the_one_that_the_prompt_shows() -> None:
    latin = TextPrompt("Что верно?\nA. север\nB. кошка\nC. восток\nОтвет:")
    native = TextPrompt("Что верно?\nА. север\nБ. кошка\nВ. восток\nОтвет:")
    assert letter("Ответ: В", latin) == "B"
    assert letter("Ответ: В", native) == "C"


def test_a_page_with_letters_of_its_own_is_judged_by_position() -> None:
    def unused() -> object:
        raise AssertionError("a letter needs neither sandbox nor judge")

    tools = Tools(unused, unused, Limits())  # type: ignore[arg-type]
    (scorer,) = build_scorers([{"by": "choice", "letters": "أبجد"}], tools)
    scores = [scorer.score(FOUR, QUESTION, Completion("k", text, "stop")).value for text in ("الجواب: ب", "الجواب: ج")]
    assert scores == [1.0, 0.0]
