"""What a run was: enough to explain every number in it, to resume it, and to refuse to mix it with another.

`identity` must agree before records may share one journal; the rest explains the run and is not compared. Commands
read a manifest through its accessors: what they need is checked when the file is read, so that a file which lacks it
is one clear line for every command.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import metadata
from pathlib import Path
from typing import Any

from harness.datatypes import MANIFEST_SCHEMA
from harness.errors import RunFolderError, unwritable
from harness.store.identity import Identity, Section, TaskIdentity

# Keys of later versions
LATER = ("left_out", "shard", "merged")
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
    """`manifest.json`. Times are seconds since the epoch.

    `config` is the run's config, `engine` the engine's facts, `tasks` each task's fingerprint with its counts; all
    three as the file holds them. `left_out`: tasks of the suite that `--skip-missing` left out, with what each lacks.
    `shard`: which part of a run this is, `number` (from 1) of `of`, and how many samples the whole run has of each task
    (`samples`). `merged`: the shards that this run was merged from (`shards`), how many there are (`of`), and the
    numbers of those that were not there (`missing`).
    """

    run_id: str
    identity: Identity
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
    left_out: Mapping[str, str] = field(default_factory=dict)
    shard: Mapping[str, Any] = field(default_factory=dict)
    merged: Mapping[str, Any] = field(default_factory=dict)
    schema: int = MANIFEST_SCHEMA

    @property
    def model_name(self) -> str:
        """The model's name, as the user gave it."""
        return str(self.config["model"]["name"])

    @property
    def shown_name(self) -> str:
        """The name in tables: with the way its weights are rounded, `name (4 bit, bitsandbytes nf4)`."""
        stored, computed, _ = (self.identity.engine.dtype or "").partition(" in ")
        if not computed or "(" not in stored:
            return self.model_name
        return f"{self.model_name} ({stored.replace(' (', ', ').replace(')', '')})"

    @property
    def model_path(self) -> str:
        """The model's hub id or folder."""
        return str(self.config["model"]["path"])

    @property
    def suite_name(self) -> str:
        """The suite's name."""
        return str(self.config["suite"]["name"])

    @property
    def pages(self) -> tuple[str, ...]:
        """The task page of each of the suite's entries; several entries may use one page."""
        return tuple(str(entry["task"]) for entry in self.config["suite"]["tasks"])

    @property
    def digests(self) -> Mapping[str, str]:
        """Hashes of the model's files by kind (weights, tokenizer, ...); empty for an engine without a checkpoint."""
        digests: Mapping[str, str] = self.engine.get("digests", {})
        return digests

    def task(self, name: str) -> TaskIdentity:
        """How a task was run."""
        return self.identity.tasks[name]

    def metric(self, task: str) -> str:
        """The primary metric of a task."""
        return self.identity.tasks[task].metric

    def total(self, task: str) -> int:
        """How many samples the task's data holds, whatever the run's limit."""
        return int(self.tasks[task]["total"])

    def drawn_with(self, task: str) -> int | None:
        """The seed with which the run's part of a task was drawn; None where it was not drawn."""
        drawn = self.tasks[task].get("sample")
        return int(drawn["seed"]) if isinstance(drawn, Mapping) else None

    @property
    def shard_name(self) -> str:
        """Which shard this is, as `shard 2 of 8`; "" for a whole run."""
        return f"shard {self.shard['number']} of {self.shard['of']}" if self.shard else ""

    @property
    def shard_text(self) -> str:
        """The same with its samples, as `shard 2 of 8: 163 of 1,319 samples`."""
        if not self.shard:
            return ""
        own, whole = sum(facts.get("n", 0) for facts in self.tasks.values()), sum(self.shard["samples"].values())
        return f"{self.shard_name}: {own:,} of {whole:,} samples"

    def as_written(self) -> dict[str, Any]:
        """Return what `manifest.json` holds."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        # Empty ones are left out: earlier versions refuse a key that they do not know
        kept = {key: value for key, value in values.items() if value or key not in LATER}
        return kept | {"identity": self.identity.written}


def write(path: Path, manifest: Manifest) -> None:
    """Write in one step, so that a reader never sees an incomplete file. Raises UserError or StorageError."""
    text = json.dumps(manifest.as_written(), indent=2, ensure_ascii=False, default=str)
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise unwritable(path, error) from None


def read(path: Path) -> Manifest:
    """Read a manifest. Raises RunFolderError for a folder without a run, another schema, or a wrong key."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunFolderError(f"{path.parent}: not a run folder: it has no {path.name}") from None
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise RunFolderError(
            f"{path}: is damaged: not JSON{line}; restore it, or run again into another --out"
        ) from None
    if not isinstance(values, dict):
        raise RunFolderError(f"{path}: not a manifest: expected keys with values; restore it, or give another --out")
    whole = Section(values, str(path))
    if values.get("schema") != MANIFEST_SCHEMA:
        actual = f"is {values['schema']!r}" if "schema" in values else "is missing"
        raise whole.fault("schema", f"{actual}, but this version reads {MANIFEST_SCHEMA}")
    known = {each.name for each in fields(Manifest)}
    if unknown := [key for key in values if key not in known]:
        raise whole.fault(unknown[0], "is not known")
    return _parsed(whole)


def _parsed(whole: Section) -> Manifest:
    """Check what the accessors and a resumed run read. Raises RunFolderError for the first key that is wrong."""
    whole.text("run_id")
    identity = Identity.parse(whole.section("identity"))
    config = whole.section("config")
    for key in ("name", "path"):
        config.section("model").text(key)
    suite = config.section("suite")
    suite.text("name")
    for place, entry in enumerate(suite.items("tasks")):
        if not isinstance(entry, Mapping) or not isinstance(entry.get("task"), str):
            raise suite.fault(f"tasks.{place}.task", "is missing")
    for key in ("engine", "style"):
        whole.section("engine").text(key)
    tasks = whole.section("tasks").sections()
    for facts in tasks.values():
        facts.whole("total")
        if "sample" in facts.values:
            facts.section("sample").whole("seed")
    for name in identity.tasks:
        if name not in tasks:
            raise whole.section("tasks").fault(name, "is missing")
    _check_shards(whole)
    command = whole.items("command")
    if "left_out" in whole.values:
        left_out = whole.section("left_out")
        for task in left_out.values:
            left_out.text(task)
    whole.text("status")
    return Manifest(**{**whole.values, "identity": identity, "command": tuple(command)})


def _check_shards(whole: Section) -> None:
    """Check what is read of a shard, and of a run that was merged. Raises RunFolderError."""
    if "shard" in whole.values:
        shard = whole.section("shard")
        for key in ("number", "of"):
            shard.whole(key)
        samples = shard.section("samples")
        for task in samples.values:
            samples.whole(task)
    if "merged" in whole.values:
        merged = whole.section("merged")
        merged.whole("of")
        for key in ("missing", "shards"):
            merged.items(key)


def package_versions() -> dict[str, str]:
    """Return the versions of the packages that can change a score, read without importing them."""
    versions = {"python": platform.python_version()}
    for name in ("harness", *PACKAGES):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def machine() -> dict[str, Any]:
    """Describe the hardware, with nothing that names its owner."""
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
