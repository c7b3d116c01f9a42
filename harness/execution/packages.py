"""Locates the installed Python packages that programs may import, with their dependencies. Never the harness itself.

Located by `importlib.metadata`, in all folders that the harness's own interpreter searches (a virtual environment, a
folder named by a `.pth` file). A sandbox shows the top-level files and folders of each package and of its
dependencies, not the folder that contains them.
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

from harness.errors import ConfigError, MissingPackage
from harness.execution.languages.toolchain import cached_build

# Packages that programs written by models often import
DEFAULT = ("numpy", "scipy", "pandas", "sympy")
COMPILE_SECONDS = 120
_NEVER = frozenset({"harness", "tests"})
_NO_MODULES = (".dist-info", ".egg-info", ".libs", ".pth", ".data")
CONFIG_KEY = "execution.packages"


@functools.cache
def locate(named: tuple[str, ...] = (), key: str = CONFIG_KEY) -> tuple[str, ...]:
    """Return the files and folders of the default packages that are installed and of all `named` ones.

    Names are those of distributions ("scikit-learn") or modules ("sklearn"). Raises ConfigError for a named package
    that is not installed, and for the harness; `key` is what named them, for the message.
    """
    pending = [(name, False) for name in DEFAULT] + [(name, True) for name in named]
    done: set[str] = set()
    tops: set[str] = set()
    while pending:
        name, must = pending.pop()
        if _normalized(name) in done:
            continue
        done.add(_normalized(name))
        if _normalized(name) in _NEVER:
            if must:
                raise ConfigError(f"{key}: {name!r} belongs to the harness; programs cannot import it")
            continue
        owner = _distribution(name, search=must)
        if owner is None:
            if must:
                raise MissingPackage(
                    f"{key}: {name!r} is not installed here (pip install {name})", f"{name}: pip install {name}"
                )
            continue
        done.add(_normalized(owner.name))
        tops.update(_tops(owner, name))
        pending += [(needed, False) for needed in _needs(owner)]
    return tuple(sorted(tops))


def locate_mentioned(named: tuple[str, ...], *texts: str) -> tuple[str, ...]:
    """Return `locate(named)` if a text contains the name of one of the modules, else (): most programs need none."""
    everything = "\n".join(texts)
    modules = [module for module in _modules(named) if module in everything]
    for module in modules:
        _compile(module)
    return locate(named) if modules else ()


@functools.cache
def _modules(named: tuple[str, ...]) -> tuple[str, ...]:
    """The names of their top-level modules."""
    return tuple({Path(top).name.split(".")[0] for top in locate(named) if not top.endswith(_NO_MODULES)})


@functools.cache
def _compile(module: str) -> None:
    """Write the bytecode of a package that was installed without it, because programs cannot write it.

    Each program would compile the package again and be charged for the seconds. A package that cannot be imported, or
    whose folder cannot be written, is left as it is.
    """
    try:
        spec = importlib.util.find_spec(module)
        bytecode = importlib.util.cache_from_source(spec.origin) if spec is not None and spec.origin else None
    except (ImportError, ValueError, NotImplementedError):
        return
    if bytecode is None or Path(bytecode).exists() or not os.access(Path(bytecode).parents[1], os.W_OK):
        return
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    try:
        subprocess.run(
            [sys.executable, "-c", f"import {module}"], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=COMPILE_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return


def linked_folder(tops: tuple[str, ...]) -> Path:
    """Return a folder with links to packages, for sandboxes that cannot mount them. Raises SandboxError."""

    def make(folder: Path) -> None:
        for top in tops:
            (folder / Path(top).name).symlink_to(top)

    return cached_build("packages", tops, make)


def _distribution(name: str, *, search: bool) -> metadata.Distribution | None:
    try:
        return metadata.distribution(name)
    except (metadata.PackageNotFoundError, ValueError):
        owners = metadata.packages_distributions().get(name, []) if search else []
        return metadata.distribution(owners[0]) if owners else None


def _tops(owner: metadata.Distribution, name: str) -> Iterator[str]:
    """Paths of the top-level files and folders of a distribution."""
    modules = 0
    for top in sorted({file.parts[0] for file in owner.files or ()}):
        if top in ("..", "__pycache__") or top.endswith(".pth") or top in _NEVER:
            continue
        path = Path(str(owner.locate_file(top)))
        if path.exists():
            modules += not top.endswith(_NO_MODULES)
            yield str(path.absolute())
    if not modules:
        # Installed by a system package manager or in editable mode: its list of files does not contain its modules
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


def _normalized(name: str) -> str:
    """The normalized name of a distribution (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
