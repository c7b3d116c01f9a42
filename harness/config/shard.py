"""Which part of a run one task of an array computes: `--shard 2/8`, or `auto` in an array of Slurm.

Guarantees: every sample is in exactly one shard. Which one depends only on the number of shards, the task's name, and
the sample's id; samples of one group are in one shard, and so are all repeats and options of a sample.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.datatypes import Sample
from harness.errors import ConfigError

AUTO = "auto"
EXPECTED = "expected I/N with I from 1 to N, as in 2/8, or auto"
# What Slurm sets in each task of a job array
SLURM_ID, SLURM_COUNT = "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"
SLURM_MIN, SLURM_MAX = "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX"


@dataclass(frozen=True, slots=True)
class Shard:
    """Number `number` (from 1) of `of` shards."""

    number: int
    of: int

    def __str__(self) -> str:
        """As on the command line: 2/8."""
        return f"{self.number}/{self.of}"

    @property
    def suffix(self) -> str:
        """What the name of its run folder ends with."""
        return suffix(self.number, self.of)

    def takes(self, task: str, sample: Sample) -> bool:
        """Whether a sample of a task is in this shard."""
        text = json.dumps([task, sample.id if sample.group is None else sample.group])
        digest = hashlib.sha256(text.encode()).digest()
        return int.from_bytes(digest[:8]) % self.of == self.number - 1


def suffix(number: int, of: int) -> str:
    """What the name of a shard's run folder ends with."""
    return f"-shard-{number}-of-{of}"


def parse(text: str) -> Shard:
    """Read `2/8`. Raises ValueError."""
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
    shard = Shard(int(found[1]), int(found[2])) if found else Shard(0, 0)
    if not 1 <= shard.number <= shard.of:
        raise ValueError(EXPECTED)
    return shard


def resolved(text: str, environ: Mapping[str, str]) -> Shard:
    """Return the shard of a config; `auto` is the place in the job array of Slurm that this process is a task of.

    Raises ConfigError outside an array, and in one that may be a part of another: a job that runs only tasks 3 and 7
    again has a count of 2.
    """
    if text != AUTO:
        return parse(text)
    try:
        number, count = int(environ[SLURM_ID]), int(environ[SLURM_COUNT])
        first = int(environ.get(SLURM_MIN, "1"))
        last = int(environ.get(SLURM_MAX, str(first + count - 1)))
    except KeyError as error:
        raise ConfigError(
            f"--shard auto reads the job array of Slurm, and {error.args[0]} is not set here; give --shard I/N"
        ) from None
    except ValueError:
        raise ConfigError(f"--shard auto: {SLURM_ID} or {SLURM_COUNT} is no number; give --shard I/N") from None
    if first not in (0, 1) or last - first + 1 != count:
        raise ConfigError(
            f"--shard auto: the job array has {count} tasks from {first} to {last}, which may be a part of another "
            f"array; give --shard ${SLURM_ID}/N, with N as in the first job"
        )
    return Shard(number - first + 1, count)
