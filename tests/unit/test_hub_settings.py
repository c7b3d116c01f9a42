"""What the harness sets for the hub's client, also where the client was imported first, and which faults are its own.

What is set is looked at in a new process each time.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import hub
from harness.errors import StorageError, UserError

ROOT = Path(__file__).resolve().parents[2]
SET = ("HF_HOME", "XDG_CACHE_HOME", "HF_HUB_DISABLE_PROGRESS_BARS")


def reported(program: str, **env: str) -> list[str]:
    """The lines that a program prints, in an environment without settings of the hub."""
    plain = {name: value for name, value in os.environ.items() if name not in SET}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=plain | env, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("imported", ["import huggingface_hub.utils", ""])
def test_the_client_shows_no_bars_whenever_it_is_imported(imported: str) -> None:
    program = f"{imported}\nfrom harness import hub; hub.quiet(); from huggingface_hub import utils"
    assert reported(f"{program}\nprint(utils.are_progress_bars_disabled())") == ["True"]


def test_bars_that_the_user_asks_for_stay() -> None:
    program = "import huggingface_hub.utils\nfrom harness import hub; hub.quiet()"
    shown = f"{program}\nprint(huggingface_hub.utils.are_progress_bars_disabled())"
    assert reported(shown, HF_HUB_DISABLE_PROGRESS_BARS="0") == ["False"]


@pytest.mark.parametrize("env", [{}, {"XDG_CACHE_HOME": "/elsewhere/caches"}, {"HF_HOME": "/elsewhere/hub"}])
def test_the_place_of_downloads_is_the_clients_own(env: dict[str, str]) -> None:
    """It is set so that gptqmodel does not move it."""
    program = "from huggingface_hub import constants; from harness import hub; hub.quiet(); import os"
    own, ours = reported(f"{program}\nprint(constants.HF_HOME)\nprint(os.environ['HF_HOME'])", **env)
    assert ours == own


def test_the_client_logs_no_requests_where_a_package_switches_on_logging() -> None:
    program = "import logging; logging.basicConfig(level='INFO'); from harness import hub; hub.quiet()"
    checked = f"{program}\nprint(*(logging.getLogger(name).isEnabledFor(logging.INFO) for name in ('httpx', 'httpx2')))"
    assert reported(checked) == ["False False"]


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), StorageError, "the disk is full; free some space"),
        (PermissionError(errno.EACCES, "Permission denied", "/cache/x"), UserError, "/cache/x cannot be written: you"),
    ],
)
def test_a_full_disk_is_no_fault_of_the_hub_and_is_said_at_once(
    monkeypatch: pytest.MonkeyPatch, fault: OSError, kind: type[Exception], said: str
) -> None:
    tries = []
    monkeypatch.setattr(hub.time, "sleep", lambda seconds: tries.append("waited"))

    def download() -> None:
        tries.append("tried")
        raise fault

    with pytest.raises(kind, match=said) as seen:
        hub.retried(download, "org/name: download")
    assert tries == ["tried"]
    assert "org/name: download: " in str(seen.value) and "HF_HOME" in str(seen.value)
