"""The messages that the host sends to a zygote. Plain values only: they are serialized with `marshal`.

First one `ZygoteConfig`. Then for each program two frames: a `ProgramSpec`, which the zygote reads, and a secret
(`CommandSecret` or `ByValueSecret`), which it leaves in the pipe for the init process of the program's sandbox. So the
proof of a pass is never in memory from which a candidate is forked.
"""

from __future__ import annotations

from typing import TypedDict

INPUT_FD, OUTPUT_FD = 0, 1


class ZygoteConfig(TypedDict):
    """`host` is the process id of the host; `readable` are the folders that programs may read; `packages` are Python
    packages that they may import; `packages_folder` is a folder of links to them, for isolations that cannot mount
    them.
    """

    host: int
    readable: list[str]
    packages: list[str]
    packages_folder: str
    environment: dict[str, str]


class ProgramSpec(TypedDict):
    """One program and its limits. `source` is a Python candidate to run by value, None for a program that is started by
    commands; `keep` is how many bytes of each output stream are returned.
    """

    source: str | None
    environment: dict[str, str]
    keep: int
    wall_seconds: float
    most_walls: float
    memory_bytes: int
    output_bytes: int
    work_bytes: int
    processes: int
    reserves: bool
    process_list: bool
    build_seconds: float
    build_memory_bytes: int


class CommandSecret(TypedDict):
    """The secret of a program that is started by commands."""

    files: list[tuple[str, bytes]]
    build: list[list[str]]
    command: list[str]
    request: bytes
    stdin: bytes


class ByValueSecret(TypedDict):
    """The secret of a candidate that is called by value: the tests' code (marshalled), and the names that they use."""

    nonce: str
    code: bytes
    names: list[str]
