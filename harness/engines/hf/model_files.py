"""Where a model's files are: a folder, or a hub repository brought into the local cache at one commit.

Guarantees: small files (config, tokenizer, template, code) are there when `locate` returns, weights when
`fetch_weights` returns; everything after works on a folder and needs no network. A hub revision is resolved
to its commit once and only that commit is used. A hub that does not answer is known within seconds; then the
cached copy serves. What is in the cache is compared with the hash that the hub states for it, and a file that differs
is refused. Does not check the contents of the files: `checkpoint` does.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import hub
from harness.engines.hf.digests import cached_blob, fault_of, verified_once
from harness.engines.hf.gguf_files import chosen, refuse_architecture, split_file
from harness.engines.hf.repository_kinds import ADAPTER, misnamed, other_kind
from harness.errors import ConfigError, HubError, ModelError

HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
SMALL_FILES = (
    *("*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken", "*.py", "additional_chat_templates/*"),
    # The licence is in one of these
    *("README.md", "LICENSE*"),
)
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
POINTER_HEAD = b"version https://git-lfs"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model's files: `folder` holds them, `names` lists all of the checkpoint's (fetched or not).

    `repo` and `revision` (a commit) are None for a plain folder; `online` is whether the hub answered; `stated` are
    the hub's own hashes by file (sha256 of a large file, git's sha1 of a small one), where it answered; `gguf`: the one
    file that holds everything; `adapter`: where the files of a PEFT adapter are that is applied to the model.
    """

    name: str
    folder: Path
    names: frozenset[str]
    repo: str | None = None
    revision: str | None = None
    online: bool = False
    sizes: tuple[tuple[str, int], ...] = ()
    stated: tuple[tuple[str, str], ...] = ()
    gguf: str | None = None
    adapter: ModelFiles | None = None

    def weight_names(self) -> list[str]:
        """Files that hold the weights. Raises ConfigError or HubError if the checkpoint lacks them or some of them."""
        if self.gguf is not None:
            return [self.gguf]
        for candidate in WEIGHTS:
            if candidate in self.names:
                if not candidate.endswith(".json"):
                    return [candidate]
                shards = _shards(self.folder / candidate)
                self._refuse_gaps(candidate, shards)
                return shards
        if kind := other_kind(self.names, self.folder) or misnamed(self.names):
            raise ModelError(f"{self.name}: no weights that transformers reads: {kind}")
        message = f"{self.name}: no weights there (looked for {WEIGHTS[0]}, {WEIGHTS[2]} and their shards)"
        raise (HubError if self.repo else ConfigError)(message)

    def _refuse_gaps(self, index: str, shards: list[str]) -> None:
        # Of a hub model in the cache `names` are the files that are there, and the rest may come later
        if self.repo and not self.online:
            return
        missing = [name for name in shards if name not in self.names]
        if missing:
            more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
            named = f"one of the {len(shards)} that {index} names"
            message = f"{self.name}: the weight file {missing[0]} is missing{more}, {named}"
            if self.repo:
                raise HubError(f"{message}: the repository is incomplete; choose another revision of it")
            raise ConfigError(f"{message}; copy the checkpoint again")

    def weights_bytes(self) -> int | None:
        """Size of the weights, None where the hub did not give it."""
        sizes = dict(self.sizes)
        known = [
            (self.folder / name).stat().st_size if (self.folder / name).exists() else sizes.get(name)
            for name in self.weight_names()
        ]
        return None if None in known else sum(size for size in known if size is not None)

    def parameters(self) -> int | None:
        """Numbers in the weight files, read from their headers; None unless all are safetensors and here."""
        tensors = self.tensors()
        return sum(math.prod(shape) for _, shape in tensors.values()) if tensors else None

    def tensors(self) -> dict[str, tuple[str, list[int]]]:
        """Kind of number and shape of each tensor by name; empty unless all files are whole safetensors and here."""
        names = self.weight_names()
        if not self.weights_here() or not all(name.endswith(".safetensors") for name in names):
            return {}
        try:
            return {key: entry for name in names for key, entry in _header(self.folder / name)}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, struct.error):
            return {}  # damaged weights are refused when they load

    def weights_here(self) -> bool:
        """Whether every weight file lies in the folder."""
        return all((self.folder / name).is_file() for name in self.weight_names())


def locate(path: str, revision: str | None) -> ModelFiles:
    """Find `path` as a folder, a GGUF file or a hub id. Raises ConfigError or HubError with one line.

    What is found is a checkpoint, a GGUF file (`gguf` is set), or an adapter: it has no config.json then.
    """
    found = locate_here(path, revision)
    if found is not None:
        return found
    repo, file = split_file(path)
    return _on_hub(repo, revision, file)


def locate_here(path: str, revision: str | None) -> ModelFiles | None:
    """Find `path` on this machine, as `locate` does; None for the name of what may be on the hub."""
    path, file = split_file(path)
    folder = Path(path).expanduser()
    if folder.is_dir():
        return _in_folder(path, folder, revision, file)
    if folder.is_file():
        raise ConfigError(f"{path}: is a file; give the folder of the checkpoint, or a file that ends with .gguf")
    if path.startswith((".", "/", "~")) or path.endswith("/") or path.count("/") > 1:
        raise ConfigError(f"{path}: no such folder")
    if "@" in path and Path(path.partition("@")[0]).expanduser().is_dir():
        raise ConfigError(f"{path}: a folder has no revisions; leave what follows the @ out")
    if not HUB_ID.fullmatch(path):
        raise ConfigError(f"{path!r} is neither a folder nor a hub id (`org/name`)")
    return None


def fetch_weights(files: ModelFiles) -> None:
    """Bring a hub model's weights into its folder; check a plain folder's. Raises HubError or ConfigError."""
    if files.repo and not files.weights_here():
        if not files.online:
            raise HubError(f"{files.name}: only a part is in the local cache and {hub.offline()} give a folder")
        _download(files.repo, files.revision, files.weight_names())
    for name in files.weight_names():
        file = files.folder / name
        if not file.is_file():
            raise ConfigError(f"{files.name}: the weight file {name} is missing; copy the checkpoint again")
        if file.stat().st_size < 1024 and file.read_bytes().startswith(POINTER_HEAD):
            raise ConfigError(f"{files.name}: {name} is a Git LFS pointer, not weights; run `git lfs pull` there")
    _refuse_damage(files, files.weight_names())


def _refuse_damage(files: ModelFiles, names: Iterable[str]) -> None:
    """Compare a hub model's files with the hashes that the hub states. Raises HubError for the first that differs."""
    if not files.repo:
        return
    stated = dict(files.stated)
    for name in names:
        file = files.folder / name
        # Without the hub, the cache's own name of the file is the hash that the hub stated when it was fetched
        expected = stated.get(name) or cached_blob(file)
        if expected is None or not file.is_file() or verified_once(file, expected):
            continue
        if (fault := fault_of(file, expected)) is not None:
            raise HubError(
                f"{files.name}: {name} in the local cache is not the file that the hub states for {files.revision} "
                f"({fault}); delete {file.resolve()} and run again"
            )


def fetch_file(files: ModelFiles, name: str) -> None:
    """Bring one file of a hub repository into its folder. Raises HubError; ConfigError where a folder lacks it."""
    if files.repo and not (files.folder / name).is_file():
        if not files.online:
            raise HubError(f"{files.name}: only a part is in the local cache and {hub.offline()} give a folder")
        _download(files.repo, files.revision, [name])
    if not (files.folder / name).is_file():
        raise ConfigError(f"{files.name}: the file {name} is missing; copy it there too")
    _refuse_damage(files, [name])


def _kind(name: str, names: frozenset[str], file: str | None) -> tuple[bool, str | None]:
    """Whether files are a model or an adapter, and the GGUF file to read. Raises ConfigError or ModelError."""
    if file is None and "config.json" in names:
        return True, None
    if file is None and ADAPTER in names:
        return True, None
    gguf = chosen(name, names, file)
    return gguf is not None, gguf


def _in_folder(path: str, folder: Path, revision: str | None, file: str | None) -> ModelFiles:
    if revision:
        raise ConfigError(f"{path}: a folder has no revisions; leave `revision` out or give a hub id")
    names = frozenset(file.name for file in folder.iterdir())
    known, gguf = _kind(path, names, file)
    if not known:
        if kind := other_kind(names, folder):
            raise ModelError(f"{path}: no model that transformers reads: {kind}")
        raise ConfigError(f"{path}: no config.json in this folder, so it holds no model")
    return ModelFiles(path, folder, names, gguf=gguf)


def _on_hub(repo: str, revision: str | None, file: str | None) -> ModelFiles:
    if not hub.settle():
        return _in_cache(repo, revision, file)
    info = _hub_info(repo, revision)
    siblings = [(one.rfilename, one.size) for one in info.siblings or ()]
    names = frozenset(name for name, _ in siblings)
    known, gguf = _kind(repo, names, file)
    if not known:
        if kind := other_kind(names):
            raise ModelError(f"{repo}: no model that transformers reads: {kind}")
        raise HubError(f"{repo}: the repository has no config.json, so it holds no model")
    if gguf is not None and (stated := (getattr(info, "gguf", None) or {}).get("architecture")) is not None:
        refuse_architecture(repo, stated)
    # By the name that the user gave: only then does the cache remember which commit it meant.
    folder = _download(repo, revision, SMALL_FILES)
    sizes = tuple((name, size) for name, size in siblings if size is not None)
    hashes = tuple((one.rfilename, value) for one in info.siblings or () if (value := _stated(one)))
    files = ModelFiles(repo, folder, names, repo, folder.name, True, sizes, hashes, gguf)
    _refuse_damage(files, _small_files(folder))
    return files


def _stated(sibling: Any) -> str | None:
    """The hash that the hub states of a file: sha256 of a large one's content, git's of a small one."""
    lfs = getattr(sibling, "lfs", None)
    return getattr(lfs, "sha256", None) or getattr(sibling, "blob_id", None)


def _small_files(folder: Path) -> list[str]:
    return sorted({file.name for pattern in SMALL_FILES for file in folder.glob(pattern) if "/" not in pattern})


def _in_cache(repo: str, revision: str | None, file: str | None) -> ModelFiles:
    hub.quiet()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repo, revision=revision, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, ValueError):
        raise HubError(f"{repo}: no such folder here, and {hub.offline()} give a folder") from None
    names = frozenset(found.name for found in folder.iterdir())
    known, gguf = _kind(repo, names, file)
    if not known:
        raise HubError(f"{repo}: only a part is in the local cache and {hub.offline()} give a folder")
    files = ModelFiles(repo, folder, names, repo, folder.name, gguf=gguf)
    _refuse_damage(files, _small_files(folder))
    return files


def _hub_info(repo: str, revision: str | None) -> Any:
    hub.quiet()
    from huggingface_hub import HfApi

    # HTTPError is httpx's or httpx2's, whichever this hub client uses.
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        GatedRepoError,
        HFValidationError,
        HTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        get_info = HfApi().model_info
        return hub.retried(lambda: get_info(repo, revision=revision, files_metadata=True, timeout=30), repo)
    except GatedRepoError:
        raise HubError(f"{repo} {hub.GATED}") from None
    except RevisionNotFoundError:
        raise HubError(f"{repo}: the hub has no revision {revision!r} of it") from None
    except RepositoryNotFoundError:
        raise HubError(f"{repo}: no such model on the hub, nor a folder here (private? `hf auth login`)") from None
    except HFValidationError as error:
        raise ConfigError(f"{repo!r} is not a hub id: {one_line(error)}") from None
    except (HTTPError, OSError) as error:
        raise HubError(f"{repo}: the hub did not answer: {one_line(error)}; try again later") from None


def _download(repo: str, revision: str | None, patterns: Iterable[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HTTPError  # type: ignore[attr-defined]

    allowed = list(patterns)
    try:
        return Path(
            hub.retried(lambda: snapshot_download(repo, revision=revision, allow_patterns=allowed), f"{repo}: download")
        )
    except GatedRepoError:
        raise HubError(f"{repo} {hub.GATED}") from None
    except (HTTPError, OSError) as error:
        raise HubError(f"{repo}: download failed: {one_line(error)}") from None


def _shards(index: Path) -> list[str]:
    try:
        shards = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{index}: is not a weight index ({one_line(error)}); copy it again") from None
    if not shards or not all(isinstance(name, str) and Path(name).name == name for name in shards):
        raise ModelError(f"{index}: is not a weight index (it must name files beside it); copy it again")
    return shards


def _header(file: Path) -> list[tuple[str, tuple[str, list[int]]]]:
    """A safetensors file's list of tensors: a length of eight bytes, then JSON, come before the numbers."""
    with file.open("rb") as handle:
        (length,) = struct.unpack("<Q", handle.read(8))
        if length > file.stat().st_size:
            raise ValueError("no safetensors header")
        header = json.loads(handle.read(length))
    return [(key, (entry["dtype"], entry["shape"])) for key, entry in header.items() if key != "__metadata__"]


one_line = hub.one_line
