"""Models from a hub: pinned to a commit, kept for offline days, and each refusal in one line.

Each user is a process of its own: the hub's client reads its settings when it is imported.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_hub import SHA, serving

ROOT = Path(__file__).resolve().parents[2]
USER = """
import sys
from harness.engines import reference
from harness.engines.base import ModelSpec
from harness.errors import HarnessError
try:
    engine = reference.build(ModelSpec(sys.argv[1], revision=sys.argv[2] or None, device="cpu"), {})
    before = engine.facts()
    if "load" in sys.argv:
        engine.load()
    facts = engine.facts()
    print(facts.revision, facts.digests["weights"], before.weights_bytes, facts.weights_bytes)
    print(*facts.notes, sep="; ")
except HarnessError as error:
    print(type(error).__name__, error.exit_code, error)
"""


# Limits that no busy machine reaches: what is tested are answers, not seconds
PATIENCE = {"HARNESS_HUB_SECONDS": "120", "HF_HUB_ETAG_TIMEOUT": "120", "HF_HUB_DOWNLOAD_TIMEOUT": "120"}


def run(home: Path, address: str, model: str, *more: str) -> list[str]:
    env = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", **PATIENCE}
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        env.pop(name, None)
    command = [sys.executable, "-c", USER, model, *(more or [""])]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "stderr belongs to the progress line"
    return done.stdout.splitlines()


@pytest.mark.slow
def test_a_hub_model_is_pinned_kept_and_used_again_without_network(llama: Path, tmp_path: Path) -> None:
    with serving({"org/tiny": llama}) as hub:
        hub.failures = 1
        online = run(tmp_path, hub.address, "org/tiny", "", "load")
        assert online[0].startswith(SHA)
        reported, real = map(int, online[0].split()[2:4])
        assert reported == pytest.approx(real, rel=0.05), "the size of the weights is known before they are fetched"
        resolved = [line for line in hub.requested if "/resolve/" in line]
        assert resolved and all(f"/resolve/{SHA}/" in line for line in resolved), "one commit, everywhere"
        assert sum(line.endswith("GET /org/tiny/resolve/" + SHA + "/model.safetensors") for line in hub.requested) == 1
    offline = run(tmp_path, "http://127.0.0.1:9", "org/tiny")
    assert offline[0].split()[:2] == online[0].split()[:2]
    assert "the cached copy is used" in offline[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "revision", "reported"),
    [
        ("org/none", "", "HubError 2 org/none: no such model on the hub"),
        ("org/tiny", "v9", "HubError 2 org/tiny: the hub has no revision 'v9'"),
        ("org/secret", "", "HubError 2 org/secret is gated: accept its terms on the hub, then `hf auth login`"),
        ("org/empty", "", "HubError 2 org/empty: the repository has no config.json"),
        ("org/gguf", "", "ConfigError 2 org/gguf: has 2 GGUF files; name one, as in org/gguf:m.gguf (m.gguf, n.gguf)"),
        ("org/adapter", "", "ModelError 2 org/adapter: adapter_config.json names no peft_type"),
        ("org/packed", "", "ModelError 2 org/packed: is quantised (tomorrow), which cannot be read here"),
    ],
)
def test_what_the_hub_refuses_is_told_in_one_line(
    llama: Path, tmp_path: Path, model: str, revision: str, reported: str
) -> None:
    repos = {"org/tiny": llama, "org/secret": llama}
    for name, file in (("empty", None), ("gguf", "m.gguf"), ("adapter", "adapter_config.json")):
        (tmp_path / name).mkdir()
        if file:
            (tmp_path / name / file).write_text("{}")
        repos[f"org/{name}"] = tmp_path / name
    (tmp_path / "gguf" / "n.gguf").write_text("{}")
    repos["org/packed"] = shutil.copytree(llama, tmp_path / "packed")
    config = json.loads((llama / "config.json").read_text()) | {"quantization_config": {"quant_method": "tomorrow"}}
    (tmp_path / "packed" / "config.json").write_text(json.dumps(config))
    with serving(repos, gated=frozenset({"org/secret"})) as hub:
        (line,) = run(tmp_path / "home", hub.address, model, revision)
    assert line.startswith(reported)
    assert not [path for path in hub.requested if path.endswith((".safetensors", ".gguf"))], "no weights were fetched"
