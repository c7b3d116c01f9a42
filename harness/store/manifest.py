"""What a run was: enough to explain every number in it, to resume it, and to refuse to mix it with another.

`identity` is what must agree before records may stand in one journal; the rest is told, not compared.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib import metadata
from pathlib import Path
from typing import Any

from harness.datatypes import MANIFEST_SCHEMA
from harness.errors import RunFolderError, StorageError
from harness.store.manifest_shape import checked, fault

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "datasets",
    "evaluate",
    "math-verify",
    "sympy",
    "numpy",
    "scipy",
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """`manifest.json`. Times are seconds since the epoch; `tasks` maps a task's name to its fingerprint's parts."""

    run_id: str
    identity: Mapping[str, Any]
    config: Mapping[str, Any]
    engine: Mapping[str, Any]
    tasks: Mapping[str, Any]
    command: tuple[str, ...]
    status: str = "running"
    started_at: float = 0.0
    finished_at: float | None = None
    sandbox: str | None = None
    resumed: int = 0
    packages: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    schema: int = MANIFEST_SCHEMA


def write(path: Path, manifest: Manifest) -> None:
    """Write in one step, so that a reader never sees half. Raises StorageError."""
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_text(
            json.dumps(asdict(manifest), indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8"
        )
        fresh.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from None


def read(path: Path) -> Manifest:
    """Read a manifest. Raises RunFolderError for a folder that is no run, or of another schema."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunFolderError(f"{path.parent}: not a run folder: it has no {path.name}") from None
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: cannot be read: {error}") from None
    if not isinstance(values, dict):
        raise RunFolderError(f"{path}: not a manifest: expected keys with values; restore it, or give another --out")
    if values.get("schema") != MANIFEST_SCHEMA:
        found = f"is {values['schema']!r}" if "schema" in values else "is missing"
        raise RunFolderError(fault(str(path), "schema", f"{found}, but this version reads {MANIFEST_SCHEMA}"))
    known = {one.name for one in fields(Manifest)}
    if unknown := [key for key in values if key not in known]:
        raise RunFolderError(fault(str(path), unknown[0], "is not known"))
    kept = checked(values, str(path))
    return Manifest(**{**kept, "command": tuple(kept["command"])})


def package_versions() -> dict[str, str]:
    """Versions of what can change a score, read without importing any of it."""
    found = {"python": platform.python_version()}
    for name in ("harness", *PACKAGES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """The hardware in words that help a reader; nothing that names its owner."""
    import psutil

    return {
        "system": platform.system(),
        "kernel": platform.release(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "executable": Path(sys.executable).name,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
