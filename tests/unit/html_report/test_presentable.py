"""A report is forwarded: no key, login or home folder of a command line is in it."""

from __future__ import annotations

import shlex

import pytest

from harness.html_report.privacy import presentable, presentable_command

SECRET = "s3cr3t-w0rd-that-nobody-may-read"


@pytest.mark.parametrize(
    "words",
    [
        ["--api-key", SECRET],
        [f"--api-key={SECRET}"],
        ["--set", f"engine.token={SECRET}"],
        ["--set", f"engine.headers.Authorization={SECRET}"],
        ["--endpoint", f"https://alice:{SECRET}@host/v1"],
        ["--endpoint", f"https://host/v1?api_key={SECRET}&x=1"],
        ["--note", f"hf_{SECRET.replace('-', '')}"],
        ["--note", f"sk-{SECRET}"],
        ["--note", f"Bearer {SECRET}"],
    ],
)
def test_what_looks_like_a_secret_is_hidden(words):
    shown = presentable_command(["/usr/bin/harness", "run", *words])
    assert SECRET not in shown
    assert SECRET.replace("-", "") not in shown
    assert "***" in shown
    assert shown.startswith("harness run ")


@pytest.mark.parametrize(
    "words",
    [
        ["--max-total-tokens", "100"],
        ["--set", "engine.key_env=MY_KEY"],
        ["--set", "tasks.t.sampling.max_tokens=64"],
        ["--model", "tokenizer/sk-small"],
        ["--endpoint", "http://localhost:8000/v1?version=2"],
        ["--out", "/rooted/homework"],
    ],
)
def test_what_explains_the_run_is_kept(words):
    assert shlex.split(presentable_command(["harness", "run", *words])) == ["harness", "run", *words]


@pytest.mark.parametrize("home", ["/home/alice", "/Users/alice", "/root", r"C:\Users\alice"])
def test_the_users_folder_is_a_tilde(home):
    assert presentable(f"{home}/models/m") == "~/models/m"
    assert presentable(home) == "~"
