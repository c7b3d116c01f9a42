"""What identifies a model: digests of its weights, its tokenizer's files and its chat template.

Guarantees: the same bytes give the same digest wherever they lie. Weights above a size are sampled, not read
whole, and the digest is then named `weights_sampled`: it sees a changed file with near certainty when sizes
change or training touched all weights, and may miss an edit of a few bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path

# About a second of hashing; larger weights would hold up every start.
FULL_DIGEST_BYTES = 256 * 2**20
SAMPLE_BYTES = 2**20
SAMPLES_PER_FILE = 16
CHUNK_BYTES = 2**22

# What the hub's cache calls a file: the sha256 of a large one, git's sha1 of a small one
BLOB_NAME = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tekken.json",
)


def weights_digest(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """One entry, `weights` (whole content) or `weights_sampled`: sha256 over names, sizes and content."""
    files = [(name, folder / name) for name in sorted(names)]
    total = sum(file.stat().st_size for _, file in files)
    whole = total <= FULL_DIGEST_BYTES
    digest = hashlib.sha256()
    for name, file in files:
        size = file.stat().st_size
        digest.update(f"{name}\0{size}\0".encode())
        with file.open("rb") as handle:
            if whole:
                while chunk := handle.read(CHUNK_BYTES):
                    digest.update(chunk)
            else:
                for index in range(SAMPLES_PER_FILE):
                    handle.seek(max(0, size - SAMPLE_BYTES) * index // (SAMPLES_PER_FILE - 1))
                    digest.update(handle.read(SAMPLE_BYTES))
    return {"weights" if whole else "weights_sampled": digest.hexdigest()}


def tokenizer_digest(folder: Path) -> str:
    """sha256 over the tokenizer's files, those known by name and vocabularies in `*.tiktoken`."""
    return _files_digest(folder, sorted({*TOKENIZER_FILES, *(file.name for file in folder.glob("*.tiktoken"))}))


def _files_digest(folder: Path, names: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for name in names:
        if (file := folder / name).is_file():
            content = file.read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def settings_digest(folder: Path, *, code: bool) -> str:
    """sha256 over `config.json`, and over the folder's Python files where its code may run."""
    names = ["config.json", *(sorted(file.name for file in folder.glob("*.py")) if code else ())]
    return _files_digest(folder, names)


def text_digest(text: str) -> str:
    """sha256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def ids_digest(rows: Iterable[Iterable[int]]) -> str:
    """sha256 over rows of token ids."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update((",".join(map(str, row)) + ";").encode())
    return digest.hexdigest()


def cached_blob(file: Path) -> str | None:
    """The hash that the hub's cache names a file by; None for a file that is not linked into it."""
    real = file.resolve()
    return real.name if real.parent.name == "blobs" and BLOB_NAME.fullmatch(real.name) else None


def fault_of(file: Path, expected: str) -> str | None:
    r"""How a file's content differs from the hub's hash of it; None if it does not. Reads all of it.

    `expected` is a sha256 (64 digits), or git's hash of a blob (40): sha1 over "blob SIZE\0" and the content.
    """
    if not BLOB_NAME.fullmatch(expected):
        return None
    size = file.stat().st_size
    digest = hashlib.sha256() if len(expected) == 64 else hashlib.sha1(f"blob {size}\0".encode())
    with file.open("rb") as handle:
        while chunk := handle.read(CHUNK_BYTES):
            digest.update(chunk)
    found = digest.hexdigest()
    if found == expected:
        _remember(file, expected)
        return None
    return f"{digest.name} {found[:16]}..., {expected[:16]}... expected"


def verified_once(file: Path, expected: str) -> bool:
    """Whether `fault_of` found this large file right before, and size, time and inode are still the same.

    Small files are read again every time; what costs minutes is read once after each download.
    """
    if file.stat().st_size <= FULL_DIGEST_BYTES:
        return False
    try:
        return bool(json.loads(_note(expected).read_text(encoding="utf-8")) == file_marks(file))
    except (OSError, ValueError):
        return False


def _remember(file: Path, expected: str) -> None:
    if file.stat().st_size <= FULL_DIGEST_BYTES:
        return
    note = _note(expected)
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(file_marks(file)), encoding="utf-8")
    except OSError:
        pass  # a home that cannot be written costs the time again


def _note(expected: str) -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "harness" / "verified" / expected


def file_marks(file: Path) -> list[int | str]:
    """What tells that a file was written again: where it really is, its size, time and inode."""
    facts = file.stat()
    return [str(file.resolve()), facts.st_size, facts.st_mtime_ns, facts.st_ino]
