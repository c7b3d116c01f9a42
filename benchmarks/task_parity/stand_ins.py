"""Rows in place of data sets that the mirror does not hold, so that both sides can be compared on the same rows all the
same: rows of another split, or rows of the same form that are made here.

What is compared on them (prompts, settings, scores) depends on the form of the rows, not on what they say; the table
marks these pages.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from harness.data.rows import find_in_mirror, read_file
from harness.errors import DataError

Row = dict[str, Any]
ROWS = 60
# Name of the task -> operation, digits
ARITHMETIC = {"1dc": ("", 1)} | {f"{n}d{sign}": (sign, n) for n in (2, 3, 4, 5) for sign in "as"} | {"2dm": ("m", 2)}
WORDS = {"a": "plus", "s": "minus", "m": "times"}


def overlay(mirror: Path, folder: Path) -> tuple[Path, set[tuple[str, str | None]]]:
    """Make in `folder` a mirror that has what `mirror` lacks; return it and the (data set, config) with made rows."""
    for path in mirror.iterdir():
        if path.is_dir():
            (folder / path.name).symlink_to(path.resolve())
    made: set[tuple[str, str | None]] = set()
    for (path, name, split), rows in _stand_ins().items():
        try:
            find_in_mirror(mirror, path, name, split)
        except DataError:
            place = _real_folders(mirror, folder, (*path.split("/"), *((name,) if name else ())))
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(mirror))
            (place / f"{split}.jsonl").write_text(lines, encoding="utf-8")
            made.add((path, name))
    return folder, made


def _real_folders(mirror: Path, folder: Path, parts: tuple[str, ...]) -> Path:
    """Replace the links on the way to a folder by folders of links, and return it."""
    for part in parts:
        mirror, folder = mirror / part, folder / part
        if folder.is_symlink():
            folder.unlink()
        if not folder.exists():
            folder.mkdir()
            for each in mirror.iterdir() if mirror.is_dir() else ():
                (folder / each.name).symlink_to(each.resolve())
    return folder


def _stand_ins() -> Mapping[tuple[str, str | None, str], Callable[[Path], list[Row]]]:
    """(data set, config, split) -> rows."""
    found: dict[tuple[str, str | None, str], Callable[[Path], list[Row]]] = {
        ("allenai/ai2_arc", "ARC-Easy", "test"): _arc_easy,
        ("TIGER-Lab/MMLU-Pro", None, "validation"): _mmlu_pro,
        ("EleutherAI/wikitext_document_level", "wikitext-2-raw-v1", "test"): _articles,
        ("regisss/math_qa", None, "test"): _math_qa,
    }
    for name, (sign, digits) in ARITHMETIC.items():
        found["EleutherAI/arithmetic", f"arithmetic_{name}", "validation"] = _arithmetic(sign, digits)
    return found


def _arc_easy(mirror: Path) -> list[Row]:
    return read_file(find_in_mirror(mirror, "allenai/ai2_arc", "ARC-Easy", "validation"))


def _mmlu_pro(mirror: Path) -> list[Row]:
    """Five rows of each category of the test split, as other questions, with reasoning that is made here."""
    kept: dict[str, list[Row]] = {}
    for row in read_file(find_in_mirror(mirror, "TIGER-Lab/MMLU-Pro", None, "test")):
        if len(kept.setdefault(row["category"], [])) < 5:
            steps = f"A: Let's think step by step. One of the options fits. The answer is ({row['answer']})."
            other = {"question_id": 10**6 + row["question_id"], "question": f"Once more. {row['question']}"}
            kept[row["category"]].append({**row, **other, "cot_content": steps})
    return [row for rows in kept.values() for row in rows]


def _articles(_: Path) -> list[Row]:
    marks = (
        ' = A place = \n \n Its name , the " old " one , was 1 @,@ 200 years old ; it \'s a well @-@ known place . \n'
    )
    return [
        {"page": f"{marks} = = Part {number} = = \n It has $ 3 @.@ {number} , ( about half ) . \n"}
        for number in range(12)
    ]


def _math_qa(_: Path) -> list[Row]:
    random, rows = Random(7), []
    for number in range(ROWS):
        values = random.sample(range(2, 999), 5)
        options = " , ".join(f"{letter} ) {value}" for letter, value in zip("abcde", values, strict=True))
        problem = f"a train needs {number + 2} hours for {values[0]} km ; how long is its way ?"
        rows.append({"Problem": problem, "options": options, "correct": random.choice("abcde")})
    return rows


def _arithmetic(sign: str, digits: int) -> Callable[[Path], list[Row]]:
    def rows(_: Path) -> list[Row]:
        random = Random(digits)
        found = []
        for _number in range(ROWS):
            a, b, c = (random.randrange(10**digits) for _each in range(3))
            if not sign:
                term, result = f"({a} + {b}) * {c}", (a + b) * c
            else:
                term, result = f"{a} {WORDS[sign]} {b}", {"a": a + b, "s": a - b, "m": a * b}[sign]
            found.append({"context": f"\n\nQ: What is {term}?\n\nA:", "completion": f" {result}"})
        return found

    return rows
