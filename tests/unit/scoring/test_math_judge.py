r"""The judge is right about equality, and nothing that a model writes can hang or crash it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from harness.scoring import math_judge
from harness.scoring.math_judge import GOLD_TIMEOUT, MOST_CHARS, NO_JUDGE, TIMEOUT, ProcessMathJudge


@pytest.fixture(scope="module")
def judge() -> Iterator[ProcessMathJudge]:
    with ProcessMathJudge() as judge:
        yield judge


@pytest.fixture(scope="module")
def impatient() -> Iterator[ProcessMathJudge]:
    with ProcessMathJudge(seconds=1) as judge:
        yield judge


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        (r"\frac{1}{2}", "0.5"),
        (r"\frac{1}{2}", "1/2"),
        ("70000", "70,000"),
        ("70000", r"\$70,000"),
        (r"2\sqrt{3}", "2*sqrt(3)"),
        ("x^2 + 1", "1 + x^2"),
        ("5", "x = 5"),
        (r"90^\circ", "90"),
        (r"\text{Evelyn}", "Evelyn"),
        (r"\text{(C)}", "C"),
        ("1, 2", "2, 1"),
        (r"\left( 3, \frac{\pi}{2} \right)", r"(3, \pi/2)"),
        (r"\dfrac{3}{4}", r"$\tfrac{3}{4}$."),
        ("5", "**5**"),
        ("5", "5.0"),
        ("5", r"5\text{ cm}"),
        ("18", "18 dollars"),
        ("18", "$18 per day"),
        ("18", "18 eggs"),
        ("18", r"\,\displaystyle 18\ "),
        (r"(-\infty, 3)", r"{(-\infty, 3)}"),
        (r"11,\! 111,\! 111,\! 100", "11111111100"),
        ("1000", "1{,}000"),
        (r"11 + 2\sqrt{13}", "2√13 + 11"),
        (r"\sqrt{x + 1}", "√(x+1)"),
    ],
)
def test_equal_answers_are_equal(judge: ProcessMathJudge, gold: str, answer: str) -> None:
    assert judge.equal(gold, answer)[0] is True


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("5", "-5"),
        ("5", "6"),
        ("18", "19 dollars"),
        ("18", "18 million"),
        ("18", "18 and 3"),
        ("1", r"{1}{2}"),
        ("(1, 2)", "(2, 1)"),
        (r"\frac{1}{3}", "0.33"),
        ("p - q", "q - p"),
        (r"\text{Evelyn}", r"\text{Alice}"),
        ("2, 3", "2"),
        ("5", ""),
        # an answer must not end our box and offer a second one
        ("7", r"5}, \boxed{7"),
        ("7", "5} 7 {"),
    ],
)
def test_unequal_answers_are_not(judge: ProcessMathJudge, gold: str, answer: str) -> None:
    assert judge.equal(gold, answer)[0] is False


def test_the_same_text_and_plain_numbers_need_no_child() -> None:
    judge = ProcessMathJudge()
    judge.close()
    assert judge.equal(r"\text{odd}", r"$\text{odd}$") == (True, "same_text")
    assert judge.equal("70,000", "70000.0") == (True, "numbers")
    assert judge.equal("70,000", "70001") == (False, "numbers")
    assert judge.equal("7", "7" * (MOST_CHARS + 1)) == (False, "too_long")
    assert judge.equal("x", "2x") == (None, NO_JUDGE)


@pytest.mark.parametrize(
    "answer",
    [
        "9**9**9**9",
        "9^{9^{9^{9}}}",
        "3000000!",
        r"\sum_{n=1}^{100000} n^n",
        "(" * 900 + "1" + ")" * 900,
        r"\frac{" * 300 + "1" + "}{2}" * 300,
        "{" * 1900,
        "9" * 1900 + "^{9}",
        "x" * 1_000_000,
        "\x00\ud800\n",
        "1/0",
    ],
)
def test_a_hostile_answer_ends_in_time_and_never_wins(impatient: ProcessMathJudge, answer: str) -> None:
    started = time.monotonic()
    assert not impatient.equal("7", answer)[0]
    # two tries of a second, a check of the right answer, and two fresh starts between them
    assert time.monotonic() - started < 30
    assert impatient.equal("x + 1", "1 + x")[0] is True


def test_a_time_out_names_whose_it_is(impatient: ProcessMathJudge) -> None:
    """The right answer can be slow too: 300 brackets take math-verify seconds to read."""
    assert impatient.equal("7", "9^{9^{9^{9}}}") == (None, TIMEOUT)
    assert impatient.equal("(" * 300 + "1" + ")" * 300, "x") == (None, GOLD_TIMEOUT)


def test_a_killed_child_is_replaced(judge: ProcessMathJudge) -> None:
    assert judge.equal("x + 1", "1 + x")[0] is True
    child = judge._child._process
    assert child is not None
    child.kill()
    child.wait()
    assert judge.equal("x + 1", "1 + x")[0] is True


def test_threads_take_turns(judge: ProcessMathJudge) -> None:
    verdicts: dict[int, bool | None] = {}

    def ask(number: int) -> None:
        verdicts[number] = judge.equal(f"x + {number}", f"{number} + x")[0]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 17)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == dict.fromkeys(range(1, 17), True)


def test_closing_ends_a_question_in_the_middle() -> None:
    judge = ProcessMathJudge(seconds=60)
    judge.equal("x", "2x")
    closer = threading.Timer(0.5, judge.close)
    closer.start()
    started = time.monotonic()
    assert judge.equal("7", "9^{9^{9^{9}}}")[0] is None
    closer.join()
    assert time.monotonic() - started < 20
    judge.close()


def test_the_child_sees_none_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """HF_TOKEN and the like must not be within reach of a parser that reads hostile text."""
    seen: dict[str, str] = {}
    real = math_judge.subprocess.Popen

    def spy(*args: object, **kwargs: object) -> object:
        seen.update(kwargs["env"])  # type: ignore[call-overload]
        return real(*args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setattr(math_judge.subprocess, "Popen", spy)
    with ProcessMathJudge() as judge:
        assert judge.equal("x + 1", "1 + x")[0] is True
    assert seen
    assert "secret" not in seen.values()
