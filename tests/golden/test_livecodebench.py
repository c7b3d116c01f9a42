"""LiveCodeBench on rows of its form: both kinds of tests, packed ones, and what a run must set."""

from __future__ import annotations

import base64
import json
import pickle
import runpy
import zlib
from pathlib import Path
from typing import Any

import pytest
from files import REPO, read_jsonl, write_jsonl

SCRIPT = runpy.run_path(str(REPO / "tasks/code/livecodebench.py"))
SET = (
    "--set",
    "tasks.livecodebench.data.name=release_v6",
    "--set",
    "tasks.livecodebench.data.where={{ '2024-08-01' <= contest_date[:10] < '2025-01-01' }}",
    *("--set", "tasks.livecodebench.repeats=1", "--set", "tasks.livecodebench.metric=[pass@1]"),
    *("--set", "tasks.livecodebench.sampling.temperature=0.0"),
)


def packed(tests: list[dict[str, str]]) -> str:
    """As the data set writes its hidden tests."""
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode()


def case(given: str, wanted: str, kind: str) -> dict[str, str]:
    return {"input": given, "output": wanted, "testtype": kind}


def row(
    name: str, date: str, public: list[dict[str, str]], private: str, function: str | None = None
) -> dict[str, Any]:
    return {
        "question_id": name,
        "question_content": "Halve the numbers.",
        "starter_code": "class Solution:\n    def halve(self, values: List[int]) -> List[int]:\n        "
        if function
        else "",
        "contest_date": f"{date}T00:00:00",
        "public_test_cases": json.dumps(public),
        "private_test_cases": private,
        "metadata": json.dumps({"func_name": function} if function else {}),
    }


ROWS = [
    row("lines", "2024-09-01", [case("2\n3\n", "1.5\nYES\n", "stdin")], packed([case("4\n1\n", "2\nNO", "stdin")])),
    row(
        "method",
        "2024-12-31",
        [case("[4, 2]\n1", "[2, 1]", "functional")],
        packed([case("[]\n2", "[]", "functional")]),
        "halve",
    ),
    row("early", "2024-07-31", [case("", "", "stdin")], "[]"),
]
READS = "n = int(input())\nm = int(input())\nprint(' ', n / 2 if n % 2 or m == 3 else n // 2, ' ')\nprint({})\n"
# What is written, and whether it is right
LINES = {
    "right": (READS.format("'YES' if m == 3 else 'NO'").replace("n / 2 if n % 2 or m == 3", "'1.50' if m == 3"), 1),
    "wrong": (READS.format("'YES'"), 0),
    "one line": ("print(1.5, 'YES')", 0),
    "exits early": ("import os\nprint('1.5\\nYES', flush=True)\nos._exit(1)", 0),
}
METHOD = {
    # List and floor need no import, and a tuple counts as a list
    "right": ("class Solution:\n    def halve(self, v: List, k):\n        return tuple(floor(x / 2) for x in v)", 1),
    "wrong": ("class Solution:\n    def halve(self, v, k):\n        return v", 0),
    "a function": ("def halve(v, k):\n    return [x // 2 for x in v]", 1),
    "another name": ("class Solution:\n    def half(self, v, k):\n        return [x // 2 for x in v]", 0),
    "equals all": ("class X(list):\n    def __eq__(self, o): return True\ndef halve(v, k):\n    return X()", 0),
}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_jsonl(tmp_path / "m/livecodebench/code_generation_lite/release_v6/test.jsonl", ROWS)
    return tmp_path / "m"


def run(cli: Any, data: Path, answers: dict[str, str], style: str, out: str) -> dict[str, float]:
    rows = [{"task": "livecodebench", "sample_id": name, "completion": text} for name, text in answers.items()]
    file = write_jsonl(data.parent / f"{out}.jsonl", rows)
    words = ("run", "--engine", "scripted", "--completions", file, "--tasks", "livecodebench", "--style", style)
    seen = cli(*words, "--mirror", data, "--out", out, *SET)
    assert seen.code == 0, seen.err
    records = read_jsonl(Path(out) / "records.jsonl")
    return {record["request"]["sample_id"]: record["scores"][0]["value"] for record in records}


@pytest.mark.slow
@pytest.mark.parametrize("style", ["text", "chat"])
def test_both_kinds_are_judged_and_the_window_is_kept(cli: Any, data: Path, style: str) -> None:
    fence = "Think:\n```\nnot this\n```\nSo:\n```python\n{}\n```\nDone." if style == "chat" else "{}"
    for number, (lines, method) in enumerate(zip([*LINES, "wrong"], METHOD, strict=True)):
        answers = {"lines": fence.format(LINES[lines][0]), "method": fence.format(METHOD[method][0])}
        found = run(cli, data, answers, style, f"r{number}")
        assert found == {"lines": LINES[lines][1], "method": METHOD[method][1]}, (lines, method)


def test_a_run_without_release_or_window_is_refused_with_what_to_set(cli: Any, data: Path) -> None:
    file = write_jsonl(data / "none.jsonl", [{"task": "livecodebench", "sample_id": "lines", "completion": "1"}])
    words = ("run", "--engine", "scripted", "--completions", file, "--tasks", "livecodebench", "--mirror", data)
    for given, lacking in (((), ("name=release_v6", "where={{")), (SET[:2], ("where={{",))):
        seen = cli(*words, *given)
        assert seen.code == 2 and "--set 'tasks.livecodebench.data." in seen.err
        assert all(text in seen.err for text in lacking)
    assert "data.name=release_v6'" not in seen.err


def test_prompts_are_the_official_ones() -> None:
    """The example of a base model's prompt is that of the row's kind."""
    from harness.config import pages
    from harness.prompts.build import render

    page, _ = pages.task_page("livecodebench")
    assert page.prompt.text is not None and page.prompt.chat is not None
    plain, method = (render(page.prompt.text.template, each) for each in ROWS[:2])
    assert plain.startswith("### Question\nYou have $n$ gifts") and "Starter" not in plain
    assert plain.endswith(
        "minimum_moves(t, test_cases)\n\n\nmain()\n\n\n### Question\nHalve the numbers.\n\n### Answer\n\n"
    )
    assert method.startswith("### Question\nYou are given a 0-indexed array")
    assert method.endswith(f"### Starter Code\n{ROWS[1]['starter_code']}\n\n### Answer\n\n")
    asked = render(page.prompt.chat.user, ROWS[0])
    assert asked.startswith("### Question:\nHalve the numbers.\n\n### Format: Read the inputs from stdin solve")
    assert asked.endswith(
        "```python\n# YOUR CODE HERE\n```\n\n### Answer: (use the provided format with backticks)\n\n"
    )


class Evil:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("pwned"),))


def test_hidden_tests_that_would_run_code_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    evil = base64.b64encode(zlib.compress(pickle.dumps(Evil()))).decode()
    with pytest.raises(ValueError, match="a pickle with the opcode STACK_GLOBAL, which no text needs"):
        SCRIPT["hidden"](evil)
    assert not (tmp_path / "pwned").exists()
    with pytest.raises(ValueError, match="neither JSON nor compressed"):
        SCRIPT["hidden"]("not base64!")
    assert SCRIPT["hidden"]("[]") == []


@pytest.mark.parametrize(
    ("pickled", "opcode"),
    [
        # A place in the memo far behind the others would make the unpickler take 2 GiB for it
        (b"N" + pickle.LONG_BINPUT + (0x08000000).to_bytes(4, "little") + b".", "NONE"),
        (b"X\x02\0\0\0[]" + pickle.LONG_BINPUT + (0x08000000).to_bytes(4, "little") + b".", "LONG_BINPUT"),
        (pickle.dumps(["[]"]), "EMPTY_LIST"),
    ],
)
def test_hidden_tests_are_a_pickle_of_one_text_and_nothing_else(pickled: bytes, opcode: str) -> None:
    with pytest.raises(ValueError, match=f"the opcode {opcode}, which no text needs"):
        SCRIPT["hidden"](base64.b64encode(zlib.compress(pickled)).decode())
    for protocol in (2, 3, 4, 5):
        text = base64.b64encode(zlib.compress(pickle.dumps('["\u00e4"]', protocol))).decode()
        assert SCRIPT["hidden"](text) == ["\u00e4"]


def test_hidden_tests_leave_the_row_once_they_are_read() -> None:
    assert "private_test_cases" not in SCRIPT["prepare"](dict(ROWS[0]))
