"""Synthetic word problems: a question in plain words, its steps `a*b=c`, and a whole-number answer.

Half are stories (a stock of things to which one to three events happen), half instances of the forms below.
Guarantees: the same generator state gives the same problem; every number is whole, every result between 1
and 999, every division exact; the steps are the arithmetic that the words describe, in order. It does not
guarantee that two problems differ, nor that a story is likely.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

LARGEST = 99  # two digits: what a model of this size learns to add in minutes

NAMES = (
    "Mia", "Tom", "Ana", "Leo", "Zoe", "Ben", "Ida", "Max", "Eva", "Sam", "Lin", "Omar",
    "Nora", "Hugo", "Ruth", "Ivan", "Kira", "Paul", "Tara", "Yuki",
)  # fmt: skip
THINGS = (
    "apples", "pens", "books", "coins", "cards", "stamps", "shells", "marbles", "stickers", "buttons",
    "pears", "cookies", "beads", "plums", "candles", "tickets",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WordProblem:
    """A question and the steps (left operand, operator, right operand, result) that answer it."""

    question: str
    steps: tuple[tuple[int, str, int, int], ...]

    @property
    def answer(self) -> int:
        """The result of the last step."""
        return self.steps[-1][3]

    @property
    def solution(self) -> str:
        """Worked answer: one step a line, then `#### N`."""
        lines = [f"{a}{op}{b}={c}" for a, op, b, c in self.steps]
        return "\n".join([*lines, f"#### {self.answer}"])


class OutOfRangeError(ValueError):
    """A step whose result is no whole number between 1 and LARGEST: the draw is tried again."""


def step(left: int, op: str, right: int) -> tuple[int, str, int, int]:
    """Compute one step. Raises OutOfRangeError."""
    if op == "/":
        if left % right:
            raise OutOfRangeError
        result = left // right
    else:
        result = left + right if op == "+" else left - right if op == "-" else left * right
    if not 1 <= result <= LARGEST:
        raise OutOfRangeError
    return left, op, right, result


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of problem: wordings, the range of each number, and steps over them.

    In a step, a letter is a drawn number, `r1` the result of the first step, a digit string itself.
    """

    wordings: tuple[str, ...]
    ranges: Mapping[str, tuple[int, int]]
    steps: tuple[str, ...]


FORMS = (
    Form(
        (
            "{name} buys {a} {things} at ${b} each and pays with ${c}. How much change does {name} get?",
            "{things} cost ${b} each. {name} has ${c} and buys {a} of them. How many dollars are left?",
        ),
        {"a": (2, 6), "b": (2, 9), "c": (20, 60)},
        ("a * b", "c - r1"),
    ),
    Form(
        (
            "{name} buys {a} {things} for ${b} each and {c} {others} for ${d} each. How much is that in all?",
            "A box of {things} costs ${b} and a box of {others} costs ${d}. How much do {a} boxes of "
            "{things} and "
            "{c} boxes of {others} cost together?",
        ),
        {"a": (2, 6), "b": (2, 6), "c": (2, 6), "d": (2, 6)},
        ("a * b", "c * d", "r1 + r2"),
    ),
    Form(
        (
            "{name} earns ${a} an hour. {name} works {b} hours on Monday and {c} hours on Tuesday. "
            "How much does {name} earn?",
            "On Monday {name} works {b} hours and on Tuesday {c} hours, for ${a} an hour. How many dollars is that?",
        ),
        {"a": (5, 10), "b": (2, 5), "c": (2, 5)},
        ("b + c", "r1 * a"),
    ),
    Form(
        (
            "{name} has {a} {things}. {friend} has {b} more than {name}. How many do they have together?",
            "{friend} has {b} {things} more than {name}, who has {a}. How many {things} do the two have in all?",
        ),
        {"a": (5, 30), "b": (2, 15)},
        ("a + b", "r1 + a"),
    ),
    Form(
        (
            "{name} has {a} {things}. {friend} has {b} times as many. How many do they have together?",
            "{friend} has {b} times as many {things} as {name}, who has {a}. How many is that for both?",
        ),
        {"a": (3, 12), "b": (2, 4)},
        ("a * b", "r1 + a"),
    ),
    Form(
        (
            "A book has {a} pages. {name} reads {b} pages a day for {c} days. How many pages are left?",
            "{name} reads {b} pages every day. After {c} days, how many of the {a} pages of the book are unread?",
        ),
        {"a": (40, 99), "b": (5, 9), "c": (2, 6)},
        ("b * c", "a - r1"),
    ),
    Form(
        (
            "There are {a} people on a bus. {b} get off and {c} get on. How many are on the bus now?",
            "A bus carries {a} people. At a stop {c} people get on after {b} get off. How many people does it carry?",
        ),
        {"a": (20, 60), "b": (2, 19), "c": (2, 19)},
        ("a - b", "r1 + c"),
    ),
    Form(
        (
            "A garden is {a} meters long and {b} meters wide. How many meters of fence go around it?",
            "What is the perimeter of a field {a} meters long and {b} meters wide?",
        ),
        {"a": (5, 25), "b": (4, 20)},
        ("a + b", "r1 * 2"),
    ),
    Form(
        (
            "A hall has {a} rows of {b} seats. {c} seats are taken. How many are free?",
            "{c} people sit in a hall with {a} rows and {b} seats in each row. How many seats stay empty?",
        ),
        {"a": (3, 9), "b": (5, 9), "c": (5, 30)},
        ("a * b", "r1 - c"),
    ),
    Form(
        (
            "{name} bakes {a} trays of {b} cookies, eats {c} and packs the rest in boxes of {d}. "
            "How many boxes does {name} fill?",
            "From {a} trays with {b} cookies each, {c} cookies burn. The others go into boxes of {d}. "
            "How many boxes are there?",
        ),
        {"a": (2, 5), "b": (5, 9), "c": (1, 9), "d": (2, 5)},
        ("a * b", "r1 - c", "r2 / d"),
    ),
    Form(
        (
            "{name} cycles {a} km an hour for {b} hours and then {c} km more. How far does {name} cycle?",
            "After {b} hours at {a} km an hour, {name} still has {c} km to go. How long is the whole way in km?",
        ),
        {"a": (10, 25), "b": (2, 4), "c": (5, 30)},
        ("a * b", "r1 + c"),
    ),
    Form(
        (
            "{name} is {a} years old. {friend} is {b} years younger. How old will {friend} be in {c} years?",
            "{friend} is {b} years younger than {name}, who is {a}. What will be the age of {friend} after {c} years?",
        ),
        {"a": (15, 60), "b": (2, 12), "c": (2, 20)},
        ("a - b", "r1 + c"),
    ),
    Form(
        (
            "{name} saves ${a} a week for {b} weeks, spends ${c} and then gets ${d}. How much does {name} have?",
            "For {b} weeks {name} saves ${a} each week. A gift costs ${c} of it, and a friend pays "
            "back ${d}. "
            "How many dollars does {name} have?",
        ),
        {"a": (5, 9), "b": (3, 6), "c": (5, 30), "d": (5, 20)},
        ("a * b", "r1 - c", "r2 + d"),
    ),
    Form(
        (
            "{a} friends share the cost of a meal of ${b} and drinks of ${c}. How much does each pay?",
            "A meal costs ${b} and the drinks ${c}. {a} friends split it all equally. What is the share of each?",
        ),
        {"a": (2, 5), "b": (20, 60), "c": (6, 30)},
        ("b + c", "r1 / a"),
    ),
    Form(
        (
            "{name} puts {a} {things} into bags of {b} and sells each bag for ${c}. How much money is that?",
            "Bags of {b} {things} sell for ${c} a bag. How many dollars does {name} get for {a} {things}?",
        ),
        {"a": (12, 60), "b": (2, 6), "c": (2, 6)},
        ("a / b", "r1 * c"),
    ),
    Form(
        (
            "{name} finds {a} {things} on Monday, {b} more than that on Tuesday, and on Wednesday "
            "twice as many as on "
            "Tuesday. How many {things} is that in three days?",
            "On Tuesday {name} picks {b} {things} more than on Monday, on Wednesday twice as many as "
            "on Tuesday. "
            "On Monday it was {a}. How many in all?",
        ),
        {"a": (3, 12), "b": (2, 8)},
        ("a + b", "r1 * 2", "a + r1", "r3 + r2"),
    ),
    Form(
        (
            "A class of {a} children has {b} girls. Each boy brings {c} {things}. How many {things} do the boys bring?",
            "{b} of the {a} children in a class are girls. If every boy gets {c} {things}, how many are needed?",
        ),
        {"a": (18, 30), "b": (6, 17), "c": (2, 5)},
        ("a - b", "r1 * c"),
    ),
    Form(
        (
            "A tank holds {a} liters. It loses {b} liters a minute for {c} minutes, then {d} liters "
            "are poured in. "
            "How many liters are in it?",
            "From a full tank of {a} liters, {b} liters run out every minute. After {c} minutes {name} "
            "adds {d} "
            "liters. How much water is there now?",
        ),
        {"a": (40, 99), "b": (3, 9), "c": (3, 9), "d": (5, 30)},
        ("b * c", "a - r1", "r2 + d"),
    ),
)


def word_problem(rng: random.Random) -> WordProblem:
    """Draw one problem."""
    while True:
        try:
            return _story(rng) if rng.random() < 0.5 else _instance(rng)
        except OutOfRangeError:
            continue


def _instance(rng: random.Random) -> WordProblem:
    form = rng.choice(FORMS)
    name, friend = rng.sample(NAMES, 2)
    things, others = rng.sample(THINGS, 2)
    known = {letter: rng.randint(low, high) for letter, (low, high) in form.ranges.items()}
    question = rng.choice(form.wordings).format(name=name, friend=friend, things=things, others=others, **known)
    steps = []
    for number, text in enumerate(form.steps, start=1):
        left, op, right = text.split()
        done = step(known[left], op, known[right] if right in known else int(right))
        known[f"r{number}"] = done[3]
        steps.append(done)
    return WordProblem(question[0].upper() + question[1:], tuple(steps))


# (operator, smallest and largest number, wordings)
EVENTS = (
    ("+", 2, 30,
     ("{name} buys {k} more.", "{friend} gives {name} {k} more.", "Then {name} finds {k} others.")),
    ("-", 2, 30,
     ("{name} gives {k} to {friend}.", "Then {name} loses {k}.", "{friend} takes {k} of them away.")),
    ("*", 2, 3, ("Then the pile grows to {k} times its size.", "{name} trades them for {k} times as many.")),
    ("/", 2, 4, ("{name} keeps only one part of {k} equal parts.", "One in {k} is left after a sale.")),
)  # fmt: skip
ENDINGS = (
    ("", 0, 0, ("How many {things} does {name} have now?", "How many {things} are there in the end?")),
    ("*", 2, 5, ("Each is sold for ${k}. How many dollars is that?", "At ${k} each, what are they worth?")),
    ("/", 2, 5, ("They go into {k} equal piles. How many are in a pile?", "How many bags of {k} is that?")),
)  # fmt: skip
OPENINGS = (
    "{name} has {k} {things}.",
    "There are {k} {things} in the box of {name}.",
    "{name} starts with {k} {things}.",
)


def _story(rng: random.Random) -> WordProblem:
    name, friend = rng.sample(NAMES, 2)
    words = {"name": name, "friend": friend, "things": rng.choice(THINGS)}
    stock = rng.randint(5, 50)
    sentences = [rng.choice(OPENINGS).format(k=stock, **words)]
    steps: list[tuple[int, str, int, int]] = []
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        stock = _happen(rng.choice((*EVENTS, *EVENTS[:2])), stock, rng, (sentences, steps, words))
    ending = rng.choice((ENDINGS[0], *ENDINGS))
    if ending[0]:
        _happen(ending, stock, rng, (sentences, steps, words))
    else:
        sentences.append(rng.choice(ending[3]).format(**words))
    return WordProblem(" ".join(sentences), tuple(steps))


def _happen(
    event: tuple[str, int, int, tuple[str, ...]],
    stock: int,
    rng: random.Random,
    reported: tuple[list[str], list[tuple[int, str, int, int]], dict[str, str]],
) -> int:
    """Let one event happen to the stock, append it to the text, return the new stock."""
    op, low, high, wordings = event
    sentences, steps, words = reported
    amount = rng.randint(low, high)
    done = step(stock, op, amount)
    sentences.append(rng.choice(wordings).format(k=amount, **words))
    steps.append(done)
    return done[3]
