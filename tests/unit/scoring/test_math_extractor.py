r"""The math extractor reads what a reader would take for the answer, and nothing where there is none."""

from __future__ import annotations

import pytest

from harness.datatypes import Answer, Sample, TextPrompt
from harness.scoring.factory import build_extractor

READ = build_extractor({"by": "math"}, "math")


def answer(text: str) -> str | None:
    return READ(text, TextPrompt(""), Sample("s", {}, Answer(("1",))))


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("The answer is 31, which is a prime.", "31"),
        ("The answer is 31!", "31"),
        ("31!", "31"),
        ("The answer is approximately 31", "31"),
        ("So the answer should be 31. It took 4 steps.", "31"),
        ("The answer to the second part is 31 because 30 + 1 = 31.", "31"),
        ("**Answer**: **31**", "31"),
        ("ans: 31", "31"),
        ('{"answer": 31}', "31"),
        ("Jawabannya adalah 31. Ada 2 langkah.", "31"),
        (r"\boxed{\text{answer}} here, which makes 31", "31"),
        (r"\boxed{\boxed{31}}", "31"),
        (r"\boxed{x = \fbox{31}}", "x = {31}"),
        ("The final answer is\n\n$$\\frac{3}{4}$$", r"\frac{3}{4}"),
        ("Final Answer: The final answer is 31,250. I hope it is correct.", "31,250"),
        ("Final Answer: The largest $n$ is 31.", "31"),
        ("Then $s = 2 + 4 = 6$. Final Answer: The area of $ABC$ is 31. I hope it is correct.", "31"),
        ("Final Answer: He arrived 31 minutes ago.", "31 minutes"),
        ("#### 31 (a dozen is 12)", "31"),
        ("#### $31", "31"),
        ("#### Step 2\nThat makes 31", "31"),
        ("<answer> 31 </answer> (in 2 steps)", "31"),
        ("30 + 1 = 31\nA: 31", "31"),
        ("A: We need 2 of 3.\nThat makes 31", "31"),
        ("```output\n31\n```\n31 cars pass in 15 minutes.", "31"),
        ("The answer is -31.", "-31"),
        ("The answer is −31.", "-31"),
        ("The answer is 3 + 28 = 31 apples.", "31 apples"),
        ("The answer is x = 31.", "x = 31"),
        ("The answer is sqrt(2)/2.", "sqrt(2)/2"),
        ("The answer is 5 feet 6 inches.", "5 feet 6 inches"),
        ("The answers are 3 and 31.", "3, 31"),
        (r"I write \boxed{answer}. Thus the answer is 31.", "31"),
        (r"\boxed{30}. That is wrong: the answer is 31.", "31"),
        (r"\boxed{31}. The final answer is 3.1 or 31 %.", "31"),
        (r"\boxed{31}. The answer is in cents.", "31"),
        ("The answer is Anna.", "Anna"),
    ],
)
def test_the_announced_value_is_read_and_its_clause_is_not(text: str, right: str) -> None:
    assert answer(text) == right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (r"$\dfrac{3}{4} $", r"\dfrac{3}{4}"),
        ("$ 3/4 $", "3/4"),
        (r"Hence it is $\sqrt7 $", r"\sqrt7"),
        (r"so the ratio is \frac{3}{4}", r"\frac{3}{4}"),
        (r"-\frac{3}{4}", r"-\frac{3}{4}"),
        ("It is $ \\begin{pmatrix}1 & 2\\end{pmatrix} $.", r"\begin{pmatrix}1 & 2\end{pmatrix}"),
        ("P = 6/8 = 3/4. Therefore, the probability is 3/4.", "3/4"),
        (r"With $x = 2$ we get $y = 5$. So it rises by 31%.", "31%"),
        ("It costs $10, and $5 more make $15.", "15"),
        ("so we get 31 ...", "31"),
        ("a total of 1 500 people", "1500"),
        ("Prix : 2,75 € en tout", "2.75"),
        ("so the area is 5π.", "5π"),
        ("hence y is 5x.", "5x"),
        ("the result is 2x + 3.", "2x + 3"),
        ("We counted 31 million.", "31 million"),
        ("The value of $f(2)$ is 31.", "31"),
        ("It has 31m² of floor.", "31"),
    ],
)
def test_the_last_value_is_read_whole(text: str, right: str) -> None:
    assert answer(text) == right


@pytest.mark.parametrize(
    "text",
    [
        "La respuesta es 31.",
        "La respuesta final es: **31** dólares",
        "La réponse est donc 31 euros.",
        "Die Antwort lautet 31.",
        "Antwort: 31 Äpfel",
        "La risposta è 31.",
        "A resposta é 31 reais.",
        "Ответ: 31 рубль.",
        "答案是31。",
        "最终答案为 31 元",
        "答えは31です。",
        "정답은 31입니다.",
        "คำตอบคือ 31",
        "Jibu ni 31.",
        "উত্তর হল ৩১",
        "సమాధానం ౩౧.",
        "الجواب هو ٣١.",
        "उत्तर ३१ है।",
        "Đáp án: 31 quả",
        "Cevap 31'dir.",
        "Jawabannya 31. Jawaban: 31 buah",
        "Odpowiedź: 31 jabłek",
        "所以一共有3 + 28 = 31只鸟。",
    ],
)
def test_other_languages_and_their_digits_are_read(text: str) -> None:
    # what stands before must not be taken for the answer, nor what follows
    assert answer(f"7 + 24.\n{text}") == "31"


@pytest.mark.parametrize(
    "text",
    [
        "The answer is not 31.",
        "The answer isn't 31.",
        "It is not 31.",
        "Is the answer 31?",
        "La respuesta no es 31.",
        "答案不是31。",
        "<think>The answer is 31.</think>",
        "flight AB31C",
        # broken off in source code
        "Let us add them.\ntotal_sum = add(30, 1)\ntotal_sum",
        "I do not know",
    ],
)
def test_what_is_denied_or_asked_or_thought_is_no_answer(text: str) -> None:
    assert answer(text) is None


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("The answer is 30 or 31.", "30, 31"),
        ("The answer is 31 (or 30).", "31, 30"),
        ("The answer is 31, or maybe 30.", "31, 30"),
        ("It is 30 or 31.", "30, 31"),
        (r"\boxed{30} or \boxed{31}", "30, 31"),
        (r"\boxed{\frac{3}{4}} or \boxed{0.75}", "0.75"),
        ("The answer is 3/4 or 75%.", "3/4"),
        ("The answer is 3/4 or 0.7.", "3/4, 0.7"),
    ],
)
def test_two_values_left_open_are_both_the_answer_and_one_written_twice_is_one(text: str, right: str) -> None:
    assert answer(text) == right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("The answer is not 30 but 31.", "31"),
        ("The answer is not 30. It is 31.", "31"),
        ("The answer is 31, not 30.", "31"),
        ("The answer is 31 million.", "31 million"),
        ("The answer is 31 theta.", "31 theta"),
        ("The answer is 31θ.", "31θ"),
    ],
)
def test_what_changes_a_value_stays_with_it(text: str, right: str) -> None:
    assert answer(text) == right


@pytest.mark.parametrize(
    ("completion", "right"),
    [
        ("(3, 4)", "(3, 4)"),
        ("p - q.", "p - q"),
        ("sqrt(2)", "sqrt(2)"),
        (r"$\left( 3, \frac{\pi}{2} \right)$", r"\left( 3, \frac{\pi}{2} \right)"),
        ("Evelyn", "Evelyn"),
        ("**The pink ball**", "The pink ball"),
        # an equation, a unit, prose: read as in any other completion
        ("x = 5", "5"),
        ("72 apples", "72"),
        ("So 72.", "72"),
        ("I do not know.", None),
        (r"\x" * 50 + "=", None),
    ],
)
def test_a_completion_that_is_nothing_but_the_answer_is_read_as_a_whole(completion: str, right: str | None) -> None:
    assert answer(completion) == right


def test_two_boxes_of_one_mixed_number_are_one_answer() -> None:
    text = r"That is $\boxed{15\frac{39}{40}},$ or $\boxed{\frac{639}{40}}$ inches."
    assert answer(text) == r"\frac{639}{40}"
