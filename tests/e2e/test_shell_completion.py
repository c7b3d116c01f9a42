"""Shell completion: the printed scripts are valid, and what they ask for is answered from file names alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from files import REPO

PROGRAM = "import sys; sys.argv[0] = 'harness'; from harness.cli.main import main; main()"


def asked(words: str, *, code: str = PROGRAM) -> subprocess.CompletedProcess[str]:
    """What the bash script gets for the last of the words."""
    env = {**os.environ, "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**env, "_HARNESS_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_valid(cli, shell: str) -> None:
    seen = cli("completion", shell)
    assert seen.code == 0 and "_HARNESS_COMPLETE" in seen.out and not seen.err
    # Syntax can be checked by an installed shell alone
    if shutil.which(shell) is not None:
        assert subprocess.run([shell, "-n"], input=seen.out, text=True, check=False).returncode == 0


def test_another_shell_is_refused(cli) -> None:
    seen = cli("completion", "tcsh")
    assert seen.code == 2 and "bash" in seen.err


@pytest.mark.parametrize(
    ("words", "some", "not_any"),
    [
        ("harness run --tasks gs", {"gsm8k"}, "math500"),
        ("harness run --tasks gsm8k,math", {"gsm8k,math500"}, "math500"),
        ("harness run --suite ma", {"math"}, "demo"),
        ("harness run --model demo", {"demo-larger", "demo-smaller"}, "my-server"),
        ("harness tasks show gs", {"gsm8k"}, "math500"),
        ("harness claim check deep", {"deepseek-v4-press"}, "demo"),
        ("harness run --ver", {"--verbose"}, "--quiet"),
        ("harness com", {"compare", "completion"}, "run"),
    ],
)
def test_names_are_completed(words: str, some: set[str], not_any: str) -> None:
    done = asked(words)
    found = done.stdout.splitlines()
    assert some <= {*found} and not_any not in found, done


def test_no_page_is_read_for_the_names() -> None:
    """A shell waits for the answer at each press of a key."""
    code = (
        "import sys, atexit\n"
        "slow = {'yaml', 'harness.config.pages', 'torch', 'rich'}\n"
        "atexit.register(lambda: print(*(slow & {*sys.modules}), file=sys.stderr))\n"
        f"{PROGRAM}"
    )
    done = asked("harness run --tasks gs", code=code)
    assert "gsm8k" in done.stdout.splitlines() and done.stderr.split() == [], done


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_itself_completes(cli, tmp_path) -> None:
    """The script, sourced by a real bash whose `harness` is this one."""
    script = cli("completion", "bash").out
    program = tmp_path / "harness"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{PROGRAM}" "$@"\n')
    program.chmod(0o755)
    body = (
        f"{script}\nCOMP_WORDS=(harness run --tasks gs)\nCOMP_CWORD=3\n"
        '_harness_completion harness\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(REPO)}
    done = subprocess.run(["bash", "-c", body], env=env, capture_output=True, text=True, timeout=600, check=False)
    assert "gsm8k" in done.stdout.split(), done
