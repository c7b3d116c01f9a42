"""Rows made up for data sets that the mirror lacks, with the columns that lm-evaluation-harness's pages read.

The values come from no benchmark. They have what prompts trip over: line breaks, quotes, other scripts, empty cells.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Row = dict[str, Any]
COUNT = 12
# Enough for each language and subject
COUNTS = {"meta-llama/Llama-3.1-8B-Instruct-evals": 12 * 35}
LANGUAGES = ("de", "es", "fr", "hi", "it", "pt", "th")
SUBJECTS = (
    *("abstract_algebra", "college_mathematics", "elementary_mathematics", "high_school_mathematics"),
    "high_school_statistics",
)
WORDS = (
    "apples",
    "zwölf Äpfel",
    "苹果",
    "books\nand pens",
    'a "quoted" word',
    "it's 5 % off",
    "{braces}",
    "আপেল",
    "tab\there",
)


def question(n: int) -> str:
    """A question; each is another."""
    return f"Ada has {n + 2} {WORDS[n % len(WORDS)]} and buys {n + 3} more. How many are there?"


def solution(n: int) -> str:
    """A worked solution as MATH has them."""
    return f"We add: ${n + 2} + {n + 3} = {2 * n + 5}$, so the answer is $\\boxed{{{2 * n + 5}}}$."


def options(n: int, labels: str = "ABCDE") -> list[str]:
    """Labelled options."""
    return [f"({label}){2 * n + place}" for place, label in enumerate(labels)]


def program(n: int) -> Row:
    """A row of HumanEval's form."""
    return {
        "task_id": f"Made/{n}",
        "entry_point": f"add{n}",
        "prompt": f'def add{n}(a, b):\n    """Add a, b and {n}."""\n',
        "suffix": "    return total\n",
        "canonical_solution": f"    total = a + b + {n}\n",
        "test": f"def check(f):\n    assert f(1, 2) == {3 + n}\n",
    }


def shots(n: int) -> Row:
    """Five examples in one row, as metabench has them."""
    row: Row = {"question": question(n), "answer": f"Sum.\n#### {2 * n + 5}", "allfiveshot_longprompt": ""}
    for shot in range(1, 6):
        row[f"gsm8k_prompt_shot_{shot}"] = question(n + shot)
        row[f"gsm8k_answer_shot_{shot}"] = f"Sum.\n#### {2 * (n + shot) + 5}"
        row[f"gsm8k_idx_shot_{shot}"] = n + shot
    return row


def function(n: int) -> Row:
    """A documented function, as CodeXGLUE has them."""
    return {
        "id": n,
        "code_tokens": ["def", f"add{n}", "(", "a", ")", ":", "return", "a"],
        "docstring_tokens": ["Adds", "\n", str(n)],
        "code": f"def add{n}(a): return a",
        "docstring": f"Adds {n}.",
    }


def choice(n: int) -> Row:
    """A row of MMLU's form."""
    texts = [str(2 * n + place) for place in (4, 5, 6, 7)]
    return {"question": question(n), "subject": "abstract_algebra", "choices": texts, "answer": n % 4}


def llama(n: int) -> Row:
    """A row of the published details of Llama's own evaluations."""
    return {
        "input_question": question(n),
        "input_choice_list": {label: str(2 * n + place) for place, label in enumerate("ABCD")},
        "input_final_prompts": [f"<|start_header_id|>user<|end_header_id|>\n\n{question(n)}<|eot_id|>"],
        "input_correct_responses": ["ABCD"[n % 4]],
        "subtask_name": f"mmlu_{LANGUAGES[n // 5 % 7]}_chat.{SUBJECTS[n % 5]}",
    }


def pro(n: int) -> Row:
    """A row of MMLU-Pro's form."""
    return {
        "question_id": n,
        "question": question(n),
        "options": [str(2 * n + place) for place in range(10)],
        "answer": "ABCDEFGHIJ"[n % 10],
        "answer_index": n % 10,
        "cot_content": f"A: Let's think step by step. We add. The answer is ({'ABCDEFGHIJ'[n % 10]}).",
        "category": "math",
        "src": "made",
    }


def african(n: int) -> Row:
    """A row of AfriMGSM: the solution is only in the training rows."""
    return {"question": question(n), "answer": None, "answer_number": 2 * n + 5, "equation_solution": None}


def agieval(n: int) -> Row:
    """A row with labelled options."""
    return {"query": f"Q: {question(n)} Answer Choices: {' '.join(options(n))}\nA: Among A through E, the answer is",
            "choices": options(n), "gold": [n % 5]}  # fmt: skip


MAKERS: dict[str, Callable[[int], Row]] = {
    "madrylab/gsm8k-platinum": lambda n: {"question": question(n), "answer": f"Sum.\n#### {2 * n + 5}"},
    "qintongli/GSM-Plus": lambda n: {"question": question(n), "solution": f"#### {n}", "answer": str(n)},
    "masakhane/afrimgsm": african,
    "masakhane/afrimgsm-translate-test": african,
    "EleutherAI/arithmetic": lambda n: {"context": f"Question: What is {n} + 3?\nAnswer:", "completion": f" {n + 3}"},
    "DigitalLearningGmbH/MATH-lighteval": lambda n: {
        "problem": question(n), "solution": solution(n), "level": f"Level {4 + n % 2}", "type": "Algebra"
    },
    "regisss/math_qa": lambda n: {
        "Problem": question(n), "Rationale": "", "correct": "abcde"[n % 5],
        "options": ", ".join(f"{label} ) {2 * n + place}" for place, label in enumerate("abcde")),
    },
    "gneubig/aime-1983-2024": lambda n: {"ID": str(n), "Year": 1983, "Question": question(n), "Answer": str(2 * n + 5)},
    "Maxwell-Jia/AIME_2024": lambda n: {"ID": str(n), "Problem": question(n), "Answer": 2 * n + 5},
    "hails/agieval-aqua-rat": agieval,
    "hails/agieval-sat-math": agieval,
    "hails/agieval-gaokao-mathqa": agieval,
    "hails/agieval-gaokao-mathcloze": lambda n: {"query": f"问题：{question(n)} 答案：", "answer": str(2 * n + 5)},
    "hails/agieval-math": lambda n: {"query": f"Q: {question(n)} A: The answer is", "answer": str(2 * n + 5)},
    "HAERAE-HUB/HRM8K": lambda n: {
        "question": f" 문제 {question(n)}\n", "original": question(n), "answer": 2.0 * n + 5
    },
    "Putnam-AXIOM/putnam-axiom-dataset-ICML-2025-522": lambda n: {
        "problem": question(n), "solution": solution(n), "variation": 1
    },
    "loubnabnl/humaneval_infilling": program,
    "evalplus/mbppplus": lambda n: {
        "task_id": n, "code": f"def add{n}(a):\n    return a + {n}", "prompt": f"Write a function to add {n}.",
        "test_list": [f"assert add{n}({k}) == {n + k}" for k in range(3)], "test": "",
    },
    "HCAI/metabench": shots,
    "hails/mmlu_no_train": choice,
    "meta-llama/Llama-3.1-8B-Instruct-evals": llama,
    "TIGER-Lab/MMLU-Pro": pro,
    "EleutherAI/asdiv": lambda n: {"body": "Ada counts.", "question": question(n), "answer": f"{2 * n + 5} (apples)"},
    **dict.fromkeys(
        (f"CM/codexglue_code2text_{name}" for name in ("go", "java", "javascript", "php", "python", "ruby")), function
    ),
}  # fmt: skip


def complete(mirror: Path, real: Path, path: str, name: str | None, tested: str, opened: set[str]) -> bool:
    """Put a data set's splits into `mirror`: links to the real files, made-up rows for what is missing.

    Rows of `tested` are compared; the splits `opened` are read too, and `tested` replaces one that is missing of a
    real data set. Returns whether all is real. Raises KeyError for a data set that has no rows here.
    """
    folder, source = mirror / path, real / path
    folder, source = (folder / name, source / name) if name else (folder, source)
    folder.mkdir(parents=True, exist_ok=True)
    all_real = path != "evalplus/mbppplus"
    for split in sorted(opened | {tested}):
        ends = ("", ".gz") if path != "evalplus/mbppplus" else ()
        tried = [(source / f"{each}.jsonl{end}", end) for each in (split, tested) for end in ends]
        if path in MAKERS:
            tried = tried[: len(ends)]
        if found := next(((file, end) for file, end in tried if file.is_file()), None):
            link = folder / f"{split}.jsonl{found[1]}"
            if not link.exists():
                link.symlink_to(found[0])
            continue
        all_real = False
        rows = [MAKERS[path](n) for n in range(COUNTS.get(path, COUNT))]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return all_real
