"""The Python file beside a page: what YAML cannot express. It runs in this process, with the user's rights.

So the file of a page that does not ship with the harness runs only where the user allowed it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.config.pages import is_own
from harness.config.yaml_page import YamlPage, shown
from harness.errors import ConfigError, DataError

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PageCode:
    """The loaded Python file of a page."""

    script: Path
    module: ModuleType

    def prepare(self, row: Row) -> Row:
        """Return what the file's `prepare(row)` makes of a row; the row itself where it has no such function.

        Raises DataError for one that fails or returns no row.
        """
        function = getattr(self.module, "prepare", None)
        if function is None:
            return row
        try:
            made = function(dict(row))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the page's own code may raise anything
            fault = f"{type(error).__name__}: {error}"
            raise DataError(f"{shown(self.script)}: prepare failed on the row {str(row)[:120]}: {fault}") from None
        if not isinstance(made, dict):
            raise DataError(f"{shown(self.script)}: prepare returned a {type(made).__name__}, not the row as a dict")
        return made

    def function(self, name: str) -> Callable[..., Any]:
        """Return a function of the file. Raises ConfigError where it has none of that name."""
        function = getattr(self.module, name, None)
        if not callable(function):
            raise ConfigError(f"{shown(self.script)}: has no function `{name}`")
        found: Callable[..., Any] = function
        return found


def page_code(source: YamlPage, *, trusted: bool) -> PageCode:
    """Return the Python file beside a page, which is loaded once for all that use the page.

    Raises ConfigError where there is none, and for a file that may not run, or that fails to.
    """
    script = source.script
    if not script.is_file():
        raise ConfigError(f"there is no {shown(script)}, the page's Python file")
    if not trusted and not is_own(source.path):
        raise ConfigError(
            f"{shown(script)}: the page brings Python code, which would run with your rights; read it, then pass "
            "--trust-page-code (or --set data.trust_page_code=true)"
        )
    if script not in source.beside:
        source.beside[script] = _loaded(script)
    code: PageCode = source.beside[script]
    return code


def module_name(prefix: str, file: Path) -> str:
    """Return a module's name that no module of another file has."""
    return f"{prefix}_{file.stem}_{hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:16]}"


def _loaded(script: Path) -> PageCode:
    spec = importlib.util.spec_from_file_location(module_name("harness_task", script), script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # As `import` does: dataclasses look their module up while it runs
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the page's own code may raise anything
        sys.modules.pop(spec.name, None)
        raise ConfigError(f"{shown(script)}: cannot be run: {type(error).__name__}: {error}") from None
    if not any(callable(value) for name, value in vars(module).items() if not name.startswith("_")):
        raise ConfigError(f"{shown(script)}: has no function, neither `prepare(row)` nor one that scores")
    return PageCode(script, module)
