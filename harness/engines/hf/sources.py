"""What a model is made of, as the user named it: a checkpoint, a GGUF file, an adapter with its base model.

Guarantees: an adapter that is given alone brings its base model, at the revision that it names; what cannot be put
together is refused before any weights are downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from harness.engines.base import ModelSpec
from harness.engines.hf.adapters import AdapterConfig, base_of, read_adapter, require_peft
from harness.engines.hf.model_files import WEIGHTS, ModelFiles, locate, locate_here
from harness.engines.hf.quantise import require_packages
from harness.engines.hf.repository_kinds import ADAPTER
from harness.errors import ConfigError, error_prefix


@dataclass(frozen=True, slots=True)
class Sources:
    """The base model's files, with the adapter's in `files.adapter`, and its config; None without an adapter."""

    files: ModelFiles
    adapter: AdapterConfig | None = None


def refuse_settings(spec: ModelSpec) -> None:
    """Raise ConfigError or ModelError for what cannot be right, by names, small files and packages of this machine.

    Asks no hub and imports no torch, so that it can come before everything else.
    """
    locate_here(spec.path, spec.revision)
    if spec.quantize is not None:
        require_packages(spec.quantize)
    if spec.adapter is None:
        return
    path, revision = _split_revision(spec.adapter)
    with error_prefix("adapter: "):
        files = locate_here(path, revision)
    if files is None:
        require_peft(path)
    else:
        read_adapter(files)


def find_model(path: str, revision: str | None, adapter: str | None) -> Sources:
    """Find a model and its adapter. Raises ConfigError, ModelError or HubError with one line."""
    files = locate(path, revision)
    if not _is_adapter(files):
        return Sources(files) if adapter is None else _with_adapter(files, *_split_revision(adapter))
    if adapter is not None:
        raise ConfigError(f"{path}: is an adapter itself, so --adapter has no base model to be applied to")
    config = read_adapter(files)
    base = locate(*base_of(files, config))
    if _is_adapter(base):
        raise ConfigError(f"{path}: its base model {base.name} is an adapter too; merge that one first")
    return _joined(base, files, config)


def _with_adapter(base: ModelFiles, path: str, revision: str | None) -> Sources:
    files = locate(path, revision)
    config = read_adapter(files)
    return _joined(base, files, config)


def _joined(base: ModelFiles, files: ModelFiles, config: AdapterConfig) -> Sources:
    if base.gguf is not None:
        raise ConfigError(f"{files.name}: an adapter needs its base model's own weights, not a GGUF file of them")
    return Sources(replace(base, adapter=files), config)


def _is_adapter(files: ModelFiles) -> bool:
    """Whether there are an adapter's files and no whole model's."""
    return files.gguf is None and ADAPTER in files.names and not {*WEIGHTS} & files.names


def _split_revision(text: str) -> tuple[str, str | None]:
    """`ORG/NAME@REVISION` in its two parts; a folder may hold an @ in its name."""
    path, at, revision = text.rpartition("@")
    return (path, revision) if at and path and revision and not Path(text).expanduser().is_dir() else (text, None)
