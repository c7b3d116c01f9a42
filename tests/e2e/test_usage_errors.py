"""What is typed wrong is one line with the nearest right word, exit 2."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run --limt 5", "harness: no such option: --limt (Possible options: --limit"),
        ("runs --state foo", "harness: invalid value for '--state': 'foo' is not one of 'finished'"),
        ("compare", "harness: missing argument 'RUN [RUN...]' (`harness compare --help`"),
        ("foo", "harness: no such command 'foo'"),
        ("tasks shw", "harness: no such command 'shw'. Did you mean 'show'?"),
        ("diff a b", "harness: no such command 'diff'; type harness compare RUN RUN"),
        ("lm_eval --model hf", "harness: no such command 'lm_eval'; type harness run ..."),
    ],
)
def test_one_line(cli, words, said):
    seen = cli(*words.split())
    lines = [line for line in seen.err.splitlines() if not line.endswith("reading the configs")]
    assert seen.code == 2 and len(lines) == 1 and lines[0].startswith(said), seen.err
    assert "Value error" not in lines[0]
