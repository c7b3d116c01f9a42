"""The Python file beside a page: what YAML cannot express. It runs in this process, with the user's rights.

So the file of a page that does not ship with the harness runs only where the user allowed it.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.config.pages import is_own
from harness.config.yaml_page import shown
from harness.errors import ConfigError, DataError

Row = dict[str, Any]


def script_digest(page: Path) -> str | None:
    """sha256 of the Python file beside a page; None if there is none."""
    script = page.with_suffix(".py")
    return hashlib.sha256(script.read_bytes()).hexdigest() if script.is_file() else None


def row_preparer(page: Path, *, trusted: bool) -> Callable[[Row], Row]:
    """Return `prepare(row) -> row` of the Python file beside `page`, or a function that changes nothing.

    Raises ConfigError for a file that may not run, or that fails to; the function raises DataError.
    """
    script = page.with_suffix(".py")
    if not script.is_file():
        return lambda row: row
    if not trusted and not is_own(page):
        raise ConfigError(
            f"{shown(script)}: the page brings Python code, which would run with your rights; read it, then pass "
            "--trust-page-code (or --set data.trust_page_code=true)"
        )
    spec = importlib.util.spec_from_file_location(f"harness_task_{page.stem}", script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the page's own code may raise anything
        raise ConfigError(f"{shown(script)}: cannot be run: {type(error).__name__}: {error}") from None
    function = getattr(module, "prepare", None)
    if not callable(function):
        raise ConfigError(f"{shown(script)}: has no function `prepare(row)`")

    def prepare(row: Row) -> Row:
        try:
            made = function(dict(row))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the page's own code may raise anything
            fault = f"{type(error).__name__}: {error}"
            raise DataError(f"{shown(script)}: prepare failed on the row {str(row)[:120]}: {fault}") from None
        if not isinstance(made, dict):
            raise DataError(f"{shown(script)}: prepare returned a {type(made).__name__}, not the row as a dict")
        return made

    return prepare
