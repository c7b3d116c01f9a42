"""Data sets from a hub: the pinned commit or nothing, whatever the hub answers and whatever else is cached.

Each user is a process of its own: the hub's libraries read their settings when they are imported.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from small_hub import SmallHub, serving

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
OLD, NEW, NOWHERE = "a" * 40, "b" * 40, "c" * 40
UNREACHABLE = "http://127.0.0.1:9"
USER = """
import sys
from pathlib import Path
from harness import hub
from harness.data.rows import DataSet, Loader
from harness.errors import HarnessError
hub.WAIT_SECONDS = 0.01
revision, file = (word or None for word in sys.argv[1:3])
try:
    split = Loader().load(DataSet("org/words", None, revision, Path(), file), sys.argv[3], ["q"])
    print(split.rows[0]["q"], split.commit)
except HarnessError as error:
    print(type(error).__name__, error.exit_code, error)
"""


def read(home: Path, address: str, revision: str = "", file: str = "", split: str = "test", **more: str) -> str:
    env = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", **more}
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if name not in more:
            env.pop(name, None)
    command = [sys.executable, "-c", USER, revision, file, split]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    return line


@pytest.fixture(scope="module")
def commits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two commits of a data set whose rows differ."""
    found = {}
    for commit, word in ((OLD, "old"), (NEW, "new")):
        folder = tmp_path_factory.mktemp(word)
        for split in ("test", "train"):
            (folder / f"{split}.jsonl").write_text(json.dumps({"q": f"{word}-{split}"}) + "\n")
        found[commit] = folder
    return found


@pytest.fixture(scope="module")
def filled(commits: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds both commits, the newer one fetched last."""
    home = tmp_path_factory.mktemp("home")
    with serving({}) as hub:
        hub.data["org/words"] = commits
        assert read(home, hub.address, OLD) == f"old-test {OLD}"
        assert read(home, hub.address) == f"new-test {NEW}"
    return home


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "home", symlinks=True))


def down(hub: SmallHub) -> str:
    return UNREACHABLE


def failing(status: int) -> Callable[[SmallHub], str]:
    def fail(hub: SmallHub) -> str:
        hub.broken = status
        return hub.address

    return fail


FAULTS = {"down": down, **{str(status): failing(status) for status in (401, 403, 404, 429, 500, 503)}}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_pinned_commit_is_kept_to_whatever_the_hub_answers(home: Path, fault: str) -> None:
    with serving({}) as hub:
        address = FAULTS[fault](hub)
        assert read(home, address, OLD) == f"old-test {OLD}"
        refused = read(home, address, NOWHERE)
    assert refused.startswith("HubError 2 org/words"), refused
    assert "new-test" not in refused and "old-test" not in refused


def test_offline_by_the_users_wish_keeps_to_the_pin_too(home: Path) -> None:
    assert read(home, UNREACHABLE, OLD, HF_HUB_OFFLINE="1") == f"old-test {OLD}"
    refused = read(home, UNREACHABLE, NOWHERE, HF_HUB_OFFLINE="1")
    assert "HF_HUB_OFFLINE is set" in refused and OLD in refused and NEW in refused


def test_a_commit_that_the_hub_does_not_have_is_refused_though_another_is_cached(
    home: Path, commits: dict[str, Path]
) -> None:
    with serving({}) as hub:
        hub.data["org/words"] = commits
        refused = read(home, hub.address, NOWHERE)
        branch = read(home, hub.address, "v9")
    assert refused.startswith("HubError 2 ") and f"the hub has no revision '{NOWHERE}'" in refused
    assert branch.startswith("HubError 2 ") and "the hub has no revision 'v9'" in branch


def test_a_name_is_resolved_to_the_commit_that_it_means_now(home: Path, commits: dict[str, Path]) -> None:
    with serving({}) as hub:
        hub.data["org/words"] = {NEW: commits[NEW], OLD: commits[OLD]}
        assert read(home, hub.address) == f"old-test {OLD}", "main has moved since"
        assert read(home, hub.address, "main", split="train") == f"old-train {OLD}"
    refused = read(home, UNREACHABLE)
    assert refused.startswith("HubError 2 ") and f"pin one of its commits by data.revision: {OLD}, {NEW}" in refused


def test_a_name_that_the_hub_does_not_resolve_is_refused(home: Path) -> None:
    with serving({}) as hub:
        hub.broken = 500
        refused = read(home, hub.address)
    assert refused.startswith("HubError 2 ") and "try again later" in refused


def test_a_passing_fault_is_tried_again_and_retry_after_is_kept_to(commits: dict[str, Path], tmp_path: Path) -> None:
    with serving({}) as hub:
        hub.data["org/words"] = commits
        hub.faults = [(429, {"Retry-After": "0"}), (503, {})]
        assert read(tmp_path, hub.address) == f"new-test {NEW}"
        assert read(tmp_path, UNREACHABLE) == f"new-test {NEW}", "no other commit is cached"
        hub.faults = [(429, {"Retry-After": "3600"})]
        refused = read(tmp_path / "other", hub.address)
    assert "requests a pause of 3600 s" in refused and refused.startswith("HubError 2 ")


def test_a_data_file_that_fails_once_is_fetched_again(commits: dict[str, Path], tmp_path: Path) -> None:
    with serving({}) as hub:
        hub.data["org/words"] = commits
        hub.failures = 1
        assert read(tmp_path, hub.address, OLD) == f"old-test {OLD}"


def test_a_set_that_is_made_by_a_script_says_so_and_one_of_its_files_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "scripted"
    (folder / "data").mkdir(parents=True)
    (folder / "words.py").write_text("import datasets\n")
    (folder / "data/rows.jsonl").write_text('{"q": "2020-01-01"}\n')
    with serving({}) as hub:
        hub.data["org/words"] = {OLD: folder}
        refused = read(tmp_path / "a", hub.address, OLD)
        assert read(tmp_path / "b", hub.address, OLD, "data/rows.jsonl") == f"2020-01-01 {OLD}"
        lacking = read(tmp_path / "b", hub.address, OLD, "data/none.jsonl")
    assert "made by a script (words.py)" in refused and "data.file" in refused
    assert "has no file 'data/none.jsonl'" in lacking
    assert read(tmp_path / "b", UNREACHABLE, OLD, "data/rows.jsonl") == f"2020-01-01 {OLD}"


def test_the_probes_patience_is_a_setting_that_its_message_names(tmp_path: Path) -> None:
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        refused = read(tmp_path, address, HARNESS_HUB_SECONDS="0.2")
        wrong = read(tmp_path, address, HARNESS_HUB_SECONDS="soon")
    assert "no answer within 0.2 s; HARNESS_HUB_SECONDS=30 waits longer" in refused
    assert wrong.startswith("ConfigError 2 HARNESS_HUB_SECONDS=soon: expected a number of seconds")
