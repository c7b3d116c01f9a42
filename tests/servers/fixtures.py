"""Servers that a test session shares: started when the first test needs them, ended with the session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers.gguf_model import write_gguf
from servers.running import DEMO_MODEL, RunningServer, running
from servers.suite import Records, by_sample


@pytest.fixture(scope="session")
def demo_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo model as a GGUF file in float32."""
    return write_gguf(DEMO_MODEL, tmp_path_factory.mktemp("gguf") / "demo.gguf")


@pytest.fixture(scope="session")
def llama_server(demo_gguf: Path) -> Iterator[RunningServer]:
    """llama.cpp's server on the demo model: float32, flash attention off, four slots."""
    with running("llama_server.py", demo_gguf) as server:
        yield server


@pytest.fixture(scope="session")
def llama_server_flash(demo_gguf: Path) -> Iterator[RunningServer]:
    """The same with flash attention, its default on a CPU: other sums, so now and then another text."""
    with running("llama_server.py", demo_gguf, "--flash-attention", "on") as server:
        yield server


@pytest.fixture(scope="session")
def transformers_serve() -> Iterator[RunningServer]:
    """`transformers serve` on the demo model in float32."""
    with running("transformers_serve.py", DEMO_MODEL, model=str(DEMO_MODEL)) as server:
        yield server


@pytest.fixture(scope="session")
def vllm_shape() -> Iterator[RunningServer]:
    """A server with vLLM's wire shape on the demo model: it has prompt log-probabilities."""
    with running("vllm_shape.py", DEMO_MODEL) as server:
        yield server


@pytest.fixture(scope="session")
def local_demo(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """The records of the whole demo suite on the local engine, by sample."""
    return _local(tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="session")
def demo_start(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """The same of the first ten samples of each task."""
    return _local(tmp_path_factory.mktemp("local"), limit=10)


def _local(folder: Path, **options: Any) -> Records:
    import harness

    harness.evaluate(suite="demo", out=folder / "run", **options)
    return by_sample(folder / "run")
