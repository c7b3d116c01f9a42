"""What the host asks of a zygote: one program and its limits. Only plain values: it travels by `marshal`.

Two frames: an `Order`, which the zygote reads, and a `Secret`, which it leaves in the pipe for the first process of
the program's world. So what proves a pass never stands in memory that a candidate is forked from.
"""

from __future__ import annotations

from typing import TypedDict

INPUT, ANSWER = 0, 1


class Hello(TypedDict):
    """The first frame. `host` is the process that asks; `readable` the folders that programs may read; `packages` are
    Python packages that they may import, and `library` is a folder with links to them, for who cannot show them
    elsewhere.
    """

    host: int
    readable: list[str]
    packages: list[str]
    library: str
    environment: dict[str, str]


class Order(TypedDict):
    """One program. `source` is a Python candidate to run by value, None for commands; `keep` is how much of each
    output stream comes back.
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


class Commands(TypedDict):
    """The secret of a program that is started by a command."""

    files: list[tuple[str, bytes]]
    build: list[list[str]]
    command: list[str]
    request: bytes
    stdin: bytes


class Trial(TypedDict):
    """The secret of a candidate that is called by value: the tests' code, marshalled, and the names that it uses."""

    nonce: str
    code: bytes
    names: list[str]
