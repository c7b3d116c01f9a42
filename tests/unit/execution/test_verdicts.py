"""What a launcher saw, and the verdict that follows: no process is started here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.datatypes import StdinCase, Tests
from harness.execution.base import Job
from harness.execution.language import Outcome, Program
from harness.execution.languages.python import Python
from harness.execution.verdicts import judge

NONCE = "5ecre7"
PROGRAM = Program(command=("/bin/true",), nonce=NONCE, tests="x = 1\nassert add(1, 2) == 3\n")


def report(*fields: str) -> bytes:
    return "".join(field + "\n" for field in fields).encode()


def test_only_a_report_with_the_secret_is_a_pass() -> None:
    assert judge(PROGRAM, Outcome("exit", report=report(NONCE, "passed", "call", "", "", "0"))).status == "passed"
    assert judge(PROGRAM, Outcome("exit", report=report("guess", "passed", "call", "", "", "0"))).status == "exited"
    assert judge(PROGRAM, Outcome("exit", report=NONCE.encode())).status == "exited"
    assert judge(PROGRAM, Outcome("exit", stdout=report(NONCE, "passed", "call", "", "", "0"))).status == "exited"


def test_a_program_without_a_secret_can_never_pass() -> None:
    nameless = Program(command=("/bin/true",))
    assert judge(nameless, Outcome("exit", report=report("", "passed", "call", "", "", "0"))).status == "exited"


def test_a_failed_assertion_is_told_by_its_line() -> None:
    verdict = judge(PROGRAM, Outcome("exit", report=report(NONCE, "failed", "call", "AssertionError", "", "2")))
    assert (verdict.status, verdict.message) == ("failed", "AssertionError: assert add(1, 2) == 3")


@pytest.mark.parametrize("line", ["", "-1", "99", "²", "9" * 4000])
def test_a_nonsense_line_number_harms_nothing(line: str) -> None:
    verdict = judge(PROGRAM, Outcome("exit", report=report(NONCE, "failed", "call", "AssertionError", "", line)))
    assert (verdict.status, verdict.message) == ("failed", "AssertionError")


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome("timeout"), "timeout"),
        (Outcome("memory"), "memory"),
        (Outcome("output_limit"), "output_limit"),
        (Outcome("infra", message="no processes"), "infra"),
        (Outcome("signal", number=24), "timeout"),  # SIGXCPU: the processor limit
        (Outcome("signal", number=11), "signal"),
        (Outcome("exit", report=report(NONCE, "error", "load", "MemoryError", "", "0")), "memory"),
        (Outcome("exit", report=report(NONCE, "error", "compile", "SyntaxError", "bad", "0")), "error"),
        (Outcome("exit", report=report(NONCE, "exited", "load", "SystemExit", "0", "0")), "exited"),
    ],
)
def test_every_ending_has_its_status(outcome: Outcome, status: str) -> None:
    verdict = judge(PROGRAM, outcome)
    assert verdict.status == status
    assert verdict.signal == (11 if status == "signal" else None)


@pytest.mark.parametrize(
    ("printed", "exact", "decimals"),
    [
        ("1 2\n3\n", "passed", "passed"),
        ("1 2  \r\n3\n\n\n", "passed", "passed"),
        ("1 2\n3", "passed", "passed"),
        ("1 2\n\n3\n", "failed", "failed"),
        ("1 2\n4\n", "failed", "failed"),
        (" 1 2\n3\n", "failed", "passed"),
        ("1.0 2\n3e0\n", "failed", "passed"),
        ("01 +2\n3\n", "failed", "passed"),
        ("1.0000001 2\n3\n", "failed", "failed"),
        ("1 2 \n 3 nan\n", "failed", "failed"),
        # Python's Decimal reads both, and no contest prints them
        ("1 0_2\n3\n", "failed", "failed"),
        ("1 \uff12\n3\n", "failed", "failed"),
        ("", "failed", "failed"),
    ],
)
def test_stdout_is_compared_line_by_line_exactly_or_as_decimals(printed: str, exact: str, decimals: str) -> None:
    program = Program(command=("/bin/true",), expected="1 2\n3\n")
    seen = Outcome("exit", stdout=printed.encode())
    assert judge(program, seen).status == exact
    assert judge(replace(program, output="decimals"), seen).status == decimals


def test_how_stdout_is_compared_is_a_key_of_the_page() -> None:
    """Texts of binary digits are no numbers unless the page says so."""
    given = Tests("python", cases=(StdinCase("", "0011\n"),))
    for tests, status in ((given, "failed"), (replace(given, output="decimals"), "passed")):
        (program,) = Python().programs(Job("print(11)", tests))
        assert isinstance(program, Program)
        assert judge(program, Outcome("exit", stdout=b"11\n")).status == status


@pytest.mark.parametrize("separator", ["\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_only_line_feeds_end_lines_of_output(separator: str) -> None:
    program = Program(command=("/bin/true",), expected="1\n2\n")
    assert judge(program, Outcome("exit", stdout=f"1{separator}2\n".encode())).status == "failed"
    kept = Program(command=("/bin/true",), expected=f"1{separator}2\r\n3")
    assert judge(kept, Outcome("exit", stdout=f"1{separator}2\n3\n".encode())).status == "passed"
    assert judge(kept, Outcome("exit", stdout=b"1\n2\n3\n")).status == "failed"


def test_right_output_of_a_crashed_program_is_no_pass() -> None:
    program = Program(command=("/bin/true",), expected="1")
    assert judge(program, Outcome("exit", number=1, stdout=b"1")).status == "error"
    assert judge(program, Outcome("signal", number=6, stdout=b"1")).status == "signal"
    assert judge(program, Outcome("timeout", stdout=b"1")).status == "timeout"


def test_output_cannot_drive_a_terminal() -> None:
    shown = judge(PROGRAM, Outcome("exit", stdout=b"a\x1b[31mb\x07\xff\n")).output
    assert shown.isprintable() or set(shown) <= {*"a[31mb", "\N{REPLACEMENT CHARACTER}", "\n"}
    assert "\x1b" not in shown
