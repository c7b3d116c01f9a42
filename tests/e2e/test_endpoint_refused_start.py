"""A run that is refused before its first task request leaves a folder that the next command can use."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from files import read_jsonl
from servers.scripted_server import Answer, Received, ScriptedServer


def words(url: str, sums: Path, model: str = "adder") -> list[object]:
    """The command against a server."""
    return ["run", "--endpoint", url, "--model", model, "--tasks", sums, "--limit", 2, "--out", "r"]


def adder(name: str) -> Callable[[Received, int], Answer]:
    """A server that answers as the model `name`."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "The sum is 3"}, "finish_reason": "stop"}
    body = {"object": "chat.completion", "model": name, "choices": [choice]}
    body["usage"] = {"prompt_tokens": 9, "completion_tokens": 5}
    listing = {"object": "list", "data": [{"id": name}]}
    return lambda request, _: Answer(chunks=(json.dumps(listing if request.method == "GET" else body).encode(),))


def page(_: Received, __: int) -> Answer:
    """A web page for everything."""
    return Answer(headers={"content-type": "text/html"}, chunks=(b"<!doctype html><title>Hello</title>",))


def nothing(_: Received, __: int) -> Answer:
    """No such path, whatever it is."""
    return Answer(status=404, chunks=(b"",))


@contextmanager
def closed_url() -> Iterator[str]:
    """A URL at which nothing listens: the port is taken, so that no other process can listen there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


def test_a_dead_url_is_one_line_and_the_same_command_goes_on_when_the_server_is_there(cli, sums, tmp_path):
    with ScriptedServer(adder("adder")) as server:
        answers, server.script = server.script, nothing
        seen = cli(*words(server.url, sums))
        assert seen.code == 2, seen.err
        (line,) = [line for line in seen.err.splitlines() if line.startswith("harness: ")]
        assert server.url in line and "404" in line and "base URL" in line
        server.script = answers
        again = cli(*words(server.url, sums))
    assert again.code == 0, again.err
    assert "differs" not in again.err and len(read_jsonl(tmp_path / "r/records.jsonl")) == 2


@pytest.mark.parametrize(("script", "said"), [(page, "<!doctype html>"), (None, "Connection refused")])
def test_what_is_no_server_for_models_is_the_users_input(cli, sums, script, said):
    if script is None:
        with closed_url() as url:
            seen = cli(*words(url, sums))
    else:
        with ScriptedServer(script) as server:
            seen = cli(*words(server.url, sums))
    assert seen.code == 2, seen.err
    (line,) = [line for line in seen.err.splitlines() if line.startswith("harness: ")]
    assert said in line and "--endpoint" in line


def test_another_model_may_use_the_folder_of_a_run_that_was_refused(cli, sums, tmp_path):
    with ScriptedServer(adder("adder")) as server:
        refused = cli(*words(server.url, sums, "typo"))
        assert refused.code == 2 and "'adder', not 'typo'" in refused.err, refused.err
        assert (tmp_path / "r/manifest.json").exists()
        seen = cli(*words(server.url, sums))
        assert seen.code == 0, seen.err
        manifest = json.loads((tmp_path / "r/manifest.json").read_text())
        assert manifest["identity"]["model"]["name"] == "adder" and manifest["resumed"] == 0
        # With answers in it, the folder is that of its model
        server.script = adder("other")
        other = cli(*words(server.url, sums, "other"))
    assert other.code == 2 and "holds a run that differs in" in other.err, other.err
