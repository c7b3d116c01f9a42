"""Weights of a hub model are those that the hub states, and one run holds answers of one set of weights."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_hub import serving

from harness.engines.hf.digests import cached_blob, fault_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = """\
name: few
version: 1
about: Two questions.
source: {}
data: {path: ./few.jsonl, split: test, columns: [q]}
reference: {answer: ["1"]}
prompt: {text: {template: "{{ q }}"}}
sampling: {max_tokens: 2}
score: [{by: exact_match}]
metric: [mean]
"""


def harness(folder: Path, address: str, *words: str) -> tuple[int, str]:
    env = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(folder / "hf"), "HF_HUB_DISABLE_XET": "1"}
    env["XDG_CACHE_HOME"] = str(folder / "cache")
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        env.pop(name, None)
    command = [sys.executable, "-m", "harness", "run", "--tasks", "few.yaml", "--device", "cpu", *words]
    env["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, timeout=600)
    return done.returncode, done.stderr.strip().splitlines()[-1] if done.stderr.strip() else ""


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    (tmp_path / "few.yaml").write_text(PAGE)
    (tmp_path / "few.jsonl").write_text('{"q": "one"}\n{"q": "two"}\n')
    return tmp_path


def weights_in_cache(folder: Path) -> Path:
    (file,) = folder.glob("hf/hub/models--org--tiny/snapshots/*/model.safetensors")
    return file


def changed(file: Path) -> bytes:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    return bytes(content)


@pytest.mark.slow
def test_damaged_weights_are_refused_with_and_without_the_hub(llama: Path, run_folder: Path) -> None:
    words = ("--model", "org/tiny", "--out", "r", "--limit", "1")
    with serving({"org/tiny": llama}) as hub:
        assert harness(run_folder, hub.address, *words)[0] == 0
        blob = weights_in_cache(run_folder).resolve()
        blob.chmod(0o644)
        blob.write_bytes(changed(blob))
        code, reported = harness(run_folder, hub.address, "--model", "org/tiny", "--out", "r")
        assert code == 2 and "other weights" in reported, reported
        code, reported = harness(run_folder, hub.address, "--model", "org/tiny", "--out", "fresh")
        assert code == 2 and "model.safetensors in the local cache is not the file that the hub states" in reported
    code, reported = harness(run_folder, "http://127.0.0.1:9", "--model", "org/tiny", "--out", "fresh")
    assert code == 2 and "is not the file" in reported and str(blob) in reported


@pytest.mark.slow
def test_another_file_than_the_hub_states_is_refused(llama: Path, run_folder: Path) -> None:
    """A cache whose link leads to another file that is whole in itself: only the hub's own word shows it."""
    with serving({"org/tiny": llama}) as hub:
        assert harness(run_folder, hub.address, "--model", "org/tiny", "--out", "r", "--limit", "1")[0] == 0
        file = weights_in_cache(run_folder)
        other = changed(file)
        (blob := file.resolve().parent / hashlib.sha256(other).hexdigest()).write_bytes(other)
        file.unlink()
        file.symlink_to(blob)
        code, reported = harness(run_folder, hub.address, "--model", "org/tiny", "--out", "fresh")
        assert code == 2 and "is not the file that the hub states" in reported, reported
    code, reported = harness(run_folder, "http://127.0.0.1:9", "--model", "org/tiny", "--out", "r")
    assert code == 2 and "holds answers of other weights" in reported, reported


@pytest.mark.slow
def test_a_run_that_was_cut_off_before_its_weights_came_takes_the_first_ones(llama: Path, run_folder: Path) -> None:
    with serving({"org/tiny": llama}) as hub:
        assert harness(run_folder, hub.address, "--model", "org/tiny", "--out", "r", "--limit", "1")[0] == 0
        manifest = json.loads((run_folder / "r/manifest.json").read_text())
        digest = manifest["engine"]["digests"]["weights"]
        shutil.rmtree(run_folder / "hf")
        code, reported = harness(run_folder, hub.address, "--model", "org/tiny", "--out", "r")
        assert code == 0, reported
    assert json.loads((run_folder / "r/manifest.json").read_text())["engine"]["digests"]["weights"] == digest


def test_the_hubs_two_kinds_of_hash_are_known(tmp_path: Path) -> None:
    content = b"some content\n"
    sha256 = hashlib.sha256(content).hexdigest()
    # `printf 'some content\n' | git hash-object --stdin`
    sha1 = "2ef267e25bd6c6a300bb473e604b092b6a48523b"
    (tmp_path / "blobs").mkdir()
    for name in (sha256, sha1):
        blob = tmp_path / "blobs" / name
        blob.write_bytes(content)
        (link := tmp_path / f"link-{len(name)}").symlink_to(blob)
        assert cached_blob(link) == name and fault_of(link, name) is None
        blob.write_bytes(content + b"!")
        assert "expected" in str(fault_of(link, name))
    (tmp_path / "plain").write_bytes(content)
    assert cached_blob(tmp_path / "plain") is None
