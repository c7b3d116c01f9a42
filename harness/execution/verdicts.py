"""Turns the outcome of a program into a verdict. Pure functions: no process, no clock, no file.

Guaranteed: `passed` only for a report that contains the program's secret nonce, or for standard output that equals
the expected output, line by line; never for an exit code alone. Not guaranteed: that code which shares a process with
its tests and targets this harness cannot read the nonce; such verdicts have `check="in_process"` or `"exit_marker"`.
"""

from __future__ import annotations

import hmac
import re
import signal
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Literal, cast

from harness.execution.base import Status, Verdict
from harness.execution.language import ByValue, Outcome, Program

# Bytes and characters: enough to see what happened, small enough to be stored in every record
OUTPUT_KEPT = 4096
MESSAGE_KEPT = 500
# Characters of a line that is read as numbers: reading takes longer than comparing
LONGEST_NUMBERS = 1 << 20
_DECIMAL = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")

_ENDINGS = ("passed", "failed", "error", "exited", "unsendable")
_LIMIT_MESSAGES = {
    "timeout": "did not end within its time",
    "memory": "took more memory than allowed",
    "output_limit": "printed more than allowed",
}


def judge(program: Program | ByValue, outcome: Outcome) -> Verdict:
    """Return the verdict on `program`."""
    expected = program.expected if isinstance(program, Program) else None
    if isinstance(program, Program) and expected is not None:
        status, message = _by_output(program, outcome, expected)
    else:
        status, message = _by_report(program, outcome)
    return Verdict(
        status=status,
        message=_one_line(message),
        output=_shown(outcome.stdout, outcome.stderr),
        seconds=outcome.seconds,
        check="by_value" if expected is not None or isinstance(program, ByValue) else program.check,
        signal=outcome.number if status == "signal" else None,
    )


def _by_report(program: Program | ByValue, outcome: Outcome) -> tuple[Status, str]:
    reported = _report(program, outcome)
    if reported is not None:
        return reported
    if outcome.end == "exit":
        return "exited", f"ended before its tests did, with exit code {outcome.number}"
    return _by_end(outcome)


def _by_output(program: Program, outcome: Outcome, expected_text: str) -> tuple[Status, str]:
    """A program passes if it ends by itself with exit code 0 and prints the expected output."""
    if outcome.end != "exit":
        return _by_end(outcome)
    reported = _report(program, outcome)
    if reported is not None and reported[0] != "passed":
        return reported
    if outcome.number != 0:
        return "error", f"ended with exit code {outcome.number}"
    printed_text = outcome.stdout.decode("utf-8", "replace")
    if program.output == "decimals":
        difference = _difference(_stripped(expected_text), _stripped(printed_text), _same_decimals)
    else:
        difference = _difference(_lines(expected_text), _lines(printed_text), str.__eq__)
    return ("failed", difference) if difference else ("passed", "")


def _by_end(outcome: Outcome) -> tuple[Status, str]:
    if outcome.end == "infra":
        return "infra", outcome.message
    if outcome.end == "killed":
        return (
            "infra",
            "killed from outside (SIGKILL: a shortage of memory, the limit of a job, or a user)",
        )
    if outcome.end == "starved":
        return "infra", f"too little processor time on this machine: {outcome.message}"
    if outcome.end == "build_failed":
        return "compile_error", _compiler_error(outcome)
    if outcome.end == "build_timeout":
        return "compile_timeout", "could not be built within its time"
    if outcome.end != "signal":
        return cast(Status, outcome.end), _LIMIT_MESSAGES[outcome.end]
    if outcome.number == signal.SIGXCPU:
        return "timeout", "used more processor time than allowed"
    try:
        name = signal.Signals(outcome.number).name
    except ValueError:
        name = f"signal {outcome.number}"
    return "signal", f"killed by {name}"


def _compiler_error(outcome: Outcome) -> str:
    """The first line of the compiler's output that contains "error", else the last line."""
    lines = [line for line in (outcome.stderr + outcome.stdout).decode("utf-8", "replace").splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower()), lines[-1] if lines else outcome.message)


def _report(program: Program | ByValue, outcome: Outcome) -> tuple[Status, str] | None:
    """Read the report; None if there is no report with the right nonce."""
    lines = outcome.report.decode("utf-8", "replace").split("\n")
    if len(lines) < 7 or not program.nonce or not hmac.compare_digest(lines[0].encode(), program.nonce.encode()):
        return None
    ending, stage, kind, message, line = lines[1:6]
    if ending not in _ENDINGS:
        return None
    if ending == "passed":
        return "passed", ""
    if ending == "unsendable":
        return "infra", f"{message}: this sample needs `check: in_process`"
    if kind == "MemoryError":
        return "memory", f"{stage}: {kind}: {message}"
    if ending == "failed":
        message = message or _line_of(program.tests, line)
    text = f"{kind}: {message}" if message else kind
    if ending == "failed":
        return "failed", text
    return cast(Literal["error", "exited"], ending), f"{stage}: {text}"


def _line_of(source: str, number: str) -> str:
    """The text of the line with this number, empty if there is none: the number comes from the untrusted program."""
    lines = source.splitlines()
    return lines[int(number[:9]) - 1].strip() if number.isdecimal() and 0 < int(number[:9]) <= len(lines) else ""


def _lines(text: str) -> list[str]:
    """Lines without trailing white space and without empty lines at the end, as judges of programming contests compare.

    Only a line feed ends a line: `str.splitlines` would also split at form feeds and other separators.
    """
    return [line.rstrip() for line in text.rstrip().split("\n")] if text.strip() else []


def _stripped(text: str) -> list[str]:
    """Lines without white space around each and around the whole, as LiveCodeBench compares."""
    return [line.strip() for line in text.strip().split("\n")]


def _same_decimals(want: str, got: str) -> bool:
    """Whether lines are equal, or hold the same decimal numbers (`1.50 2` and `1.5 2.0`), without a tolerance."""
    if want == got:
        return True
    if max(len(want), len(got)) > LONGEST_NUMBERS:
        return False
    wanted, given = want.split(), got.split()
    if len(wanted) != len(given) or not all(map(_DECIMAL.fullmatch, wanted + given)):
        return False
    try:
        return all(Decimal(one) == Decimal(other) for one, other in zip(wanted, given, strict=True))
    except InvalidOperation:
        # An exponent that no Decimal can have
        return False


def _difference(expected: list[str], printed: list[str], same: Callable[[str, str], bool]) -> str:
    """Where the output differs; empty where it does not."""
    for number, (want, got) in enumerate(zip(expected, printed, strict=False), start=1):
        if not same(want, got):
            return f"line {number} is {_short(got)}, expected {_short(want)}"
    return "" if len(printed) == len(expected) else f"printed {len(printed)} lines, expected {len(expected)}"


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _shown(stdout: bytes, stderr: bytes) -> str:
    """Head and tail of both streams, without characters that could drive a terminal."""
    parts = [_printable(_head_and_tail(stream)) for stream in (stdout, stderr) if stream]
    return "\n".join(parts)


def _head_and_tail(stream: bytes) -> str:
    if len(stream) <= 2 * OUTPUT_KEPT:
        return stream.decode("utf-8", "replace")
    head, tail = stream[:OUTPUT_KEPT], stream[-OUTPUT_KEPT:]
    return f"{head.decode('utf-8', 'replace')}\n[...]\n{tail.decode('utf-8', 'replace')}"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _one_line(message: str) -> str:
    flat = " ".join(_printable(message).split())
    return flat if len(flat) <= MESSAGE_KEPT else flat[: MESSAGE_KEPT - 3] + "..."
