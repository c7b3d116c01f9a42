"""Reports and exports are forwarded: no key, login or home folder of a command line is in them."""

from __future__ import annotations

import json
import shlex

import pytest

from harness.privacy import presentable, presentable_command

SECRET = "s3cr3t-w0rd-of-an-account"


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
        ["--set", f'engine.headers={{"x-api-key": "{SECRET}"}}'],
        ["--set", f"engine.headers={{x-api-key: {SECRET}, n: 1}}"],
        ["--set", f'engine.extra_body={{"a": {{"apiKey": ["{SECRET}"]}}}}'],
        ["--note", f"r8_{SECRET.replace('-', '')}"],
        ["--note", f"nvapi-{SECRET}"],
        ["--note", f"ghp_{SECRET.replace('-', '')}"],
        ["--note", f"sk-ant-{SECRET}"],
        ["--note", f"eyJhbGciOiJIUzI1NiJ9.{SECRET}.{SECRET}"],
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
        ["--out", "/mnt/home/joe/x"],
        ["--model", "org/hf_tokenizer_settings_big"],
        ["--set", 'tasks.t.prompt={"keys": "a", "stop_tokens": ["b"]}'],
    ],
)
def test_what_explains_the_run_is_kept(words):
    assert shlex.split(presentable_command(["harness", "run", *words])) == ["harness", "run", *words]


@pytest.mark.parametrize("home", ["/home/alice", "/Users/alice", "/root", r"C:\Users\alice"])
def test_the_users_folder_is_a_tilde(home):
    assert presentable(f"{home}/models/m") == "~/models/m"
    assert presentable(home) == "~"


def test_a_path_in_the_home_folder_can_be_typed_again():
    assert (
        presentable_command(["harness", "run", "--out", "/home/alice/my runs/x"]) == "harness run --out ~/'my runs/x'"
    )
    assert presentable("file:///home/alice/x, '/home/alice/y'") == "file://~/x, '~/y'"


def test_json_stays_json_without_its_secrets():
    shown = presentable('{"x-api-key": "a, b", "n": 1, "token": "c"}')
    assert json.loads(shown) == {"x-api-key": "***", "n": 1, "token": "***"}
