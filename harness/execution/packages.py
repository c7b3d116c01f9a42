"""Installed Python packages that programs may import: where they lie, with what they need. Never the harness itself.

Found as `importlib.metadata` finds them, in whatever folders the harness's own interpreter looks (a virtual
environment, a folder named by a `.pth` file). What a sandbox shows is the top of each package and of each of its
dependencies, not the folder that they lie in.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from harness.errors import ConfigError
from harness.execution.languages.toolchain import made_once

# What programs of models import without being asked
USUAL = ("numpy", "scipy", "pandas", "sympy")
COMPILE_SECONDS = 120
_NEVER = frozenset({"harness", "tests"})
_NO_MODULES = (".dist-info", ".egg-info", ".libs", ".pth", ".data")
_IN_TURN = "execution.packages"


@functools.cache
def found(named: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the files and folders of the usual packages that are installed and of all that are `named`.

    Names are those of distributions ("scikit-learn") or modules ("sklearn"). Raises ConfigError for a named one that
    is not installed, and for the harness.
    """
    pending = [(name, False) for name in USUAL] + [(name, True) for name in named]
    done: set[str] = set()
    tops: set[str] = set()
    while pending:
        name, must = pending.pop()
        if _normal(name) in done:
            continue
        done.add(_normal(name))
        if _normal(name) in _NEVER:
            if must:
                raise ConfigError(f"{_IN_TURN}: {name!r} is the harness's own and not for programs")
            continue
        owner = _distribution(name, search=must)
        if owner is None:
            if must:
                raise ConfigError(f"{_IN_TURN}: {name!r} is not installed here (pip install {name})")
            continue
        done.add(_normal(owner.name))
        tops.update(_tops(owner, name))
        pending += [(needed, False) for needed in _needs(owner)]
    return tuple(sorted(tops))


def mentioned(named: tuple[str, ...], *texts: str) -> tuple[str, ...]:
    """Return what `found` does if any text mentions a module of theirs, else nothing: most programs need none."""
    everything = "\n".join(texts)
    modules = [module for module in _modules(named) if module in everything]
    for module in modules:
        _compile(module)
    return found(named) if modules else ()


@functools.cache
def _modules(named: tuple[str, ...]) -> tuple[str, ...]:
    """What a text says that imports one of them."""
    return tuple({Path(top).name.split(".")[0] for top in found(named) if not top.endswith(_NO_MODULES)})


@functools.cache
def _compile(module: str) -> None:
    """Have the interpreter keep the bytecode of a package that was installed without: programs cannot write it.

    Each of them would compile it again, for seconds that it is charged. A package that does not import, or whose folder
    cannot be written, stays as it is.
    """
    try:
        spec = importlib.util.find_spec(module)
        kept = importlib.util.cache_from_source(spec.origin) if spec is not None and spec.origin else None
    except (ImportError, ValueError, NotImplementedError):
        return
    if kept is None or Path(kept).exists() or not os.access(Path(kept).parents[1], os.W_OK):
        return
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    try:
        subprocess.run(
            [sys.executable, "-c", f"import {module}"], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=COMPILE_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return


def linked(tops: tuple[str, ...]) -> Path:
    """Return a folder with links to packages, for sandboxes that can show them nowhere else. Raises SandboxError."""

    def make(folder: Path) -> None:
        for top in tops:
            (folder / Path(top).name).symlink_to(top)

    return made_once("packages", tops, make)


def _distribution(name: str, *, search: bool) -> metadata.Distribution | None:
    try:
        return metadata.distribution(name)
    except (metadata.PackageNotFoundError, ValueError):
        owners = metadata.packages_distributions().get(name, []) if search else []
        return metadata.distribution(owners[0]) if owners else None


def _tops(owner: metadata.Distribution, name: str) -> Iterator[str]:
    """The outermost files and folders of a distribution, where they really lie."""
    modules = 0
    for top in sorted({file.parts[0] for file in owner.files or ()}):
        if top in ("..", "__pycache__") or top.endswith(".pth") or top in _NEVER:
            continue
        path = Path(str(owner.locate_file(top)))
        if path.exists():
            modules += not top.endswith(_NO_MODULES)
            yield str(path.absolute())
    if not modules:
        # Installed by a system's packager, or in place: its own list of files does not name its modules
        yield from _by_import(name)


def _by_import(name: str) -> Iterator[str]:
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None:
        return
    if spec.submodule_search_locations:
        yield from (str(Path(folder).absolute()) for folder in spec.submodule_search_locations)
    elif spec.origin and spec.has_location:
        yield spec.origin


def _needs(owner: metadata.Distribution) -> Iterator[str]:
    from packaging.requirements import InvalidRequirement, Requirement

    for line in owner.requires or ():
        try:
            needed = Requirement(line)
        except InvalidRequirement:
            continue
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            yield needed.name


def _normal(name: str) -> str:
    """As the packaging standard compares names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
