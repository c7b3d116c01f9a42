"""Runs the functions that a page of lm-evaluation-harness names, where the user allowed it.

They run in this process with the user's rights, once, while the page is imported. A file of functions is run as a
whole; where that fails (a package that is not here, a check of the machine), its statements are run one by one, and a
name that a failed one would have set raises that failure when something uses it. So a function that needs none runs.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.config.yaml_page import shown
from harness.data.page_code import module_name
from harness.errors import ConfigError
from harness.importing.lm_eval_yaml import Function


@dataclass(slots=True)
class Functions:
    """Functions of pages; `trusted`: they may run."""

    trusted: bool
    _modules: dict[Path, dict[str, Any]] = field(default_factory=dict)

    def call(self, function: Function, place: str, *arguments: Any) -> Any:
        """Return what a function returns. Raises ConfigError where it may not run, is not there, or fails."""
        found = self.get(function, place)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                return found(*arguments)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - code of a stranger's page may raise anything
            fault = f"{type(error).__name__}: {error}"
            raise ConfigError(f"{place}: {function} failed: {' '.join(fault.split())[:300]}") from None

    def get(self, function: Function, place: str) -> Callable[..., Any]:
        """Return a function. Raises ConfigError."""
        if not self.trusted:
            raise ConfigError(
                f"{place}: {function} is Python code, which would run with your rights; read {shown(function.file)}, "
                "then pass --trust-page-code"
            )
        if not function.file.is_file():
            raise ConfigError(f"{place}: {function}: there is no {shown(function.file)}")
        if function.file not in self._modules:
            self._modules[function.file] = _run(function.file)
        found = self._modules[function.file].get(function.name)
        if not callable(found):
            raise ConfigError(f"{place}: {shown(function.file)} has no usable function {function.name!r}")
        called: Callable[..., Any] = found
        return called

    def failure_of_file(self, function: Function) -> str:
        """Why the function's file cannot be run as a whole; empty where it can."""
        try:
            _whole(function.file)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - code of a stranger's page may raise anything
            return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        return ""


class Missing:
    """The value of a name that could not be set: any use of it raises the failure."""

    def __init__(self, failure: str) -> None:
        """Remember why."""
        self._failure = failure

    def __getattr__(self, name: str) -> Any:
        """Raise the failure."""
        raise RuntimeError(self._failure)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Raise the failure."""
        raise RuntimeError(self._failure)


def digest_of_function(file: Path, name: str) -> str:
    """Return a hash of a function's code without comments and layout; empty where the file has no such function."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return ""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return hashlib.sha256(ast.unparse(node).encode()).hexdigest()[:16]
    return ""


def _new_names(file: Path) -> dict[str, Any]:
    """Names of a new module for a file, registered as `import` does: dataclasses look their module up."""
    module = ModuleType(module_name("lm_eval_page", file))
    module.__file__ = str(file)
    sys.modules[module.__name__] = module
    return vars(module)


def _whole(file: Path) -> dict[str, Any]:
    names = _new_names(file)
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), names)
    return names


def _run(file: Path) -> dict[str, Any]:
    try:
        return _whole(file)
    except (Exception, SystemExit):  # noqa: BLE001 - code of a stranger's page may raise anything
        # Perhaps an import that the page's functions do not need: statement by statement, a failure stops what uses it
        pass
    names = _new_names(file)
    try:
        statements = ast.parse(file.read_text(encoding="utf-8")).body
    except SyntaxError as error:
        raise ConfigError(f"{shown(file)}:{error.lineno}: is not Python: {error.msg}") from None
    _one_by_one(statements, names, str(file))
    return names


def _one_by_one(statements: list[ast.stmt], names: dict[str, Any], file: str, tried: bool = False) -> None:
    """Run statements; `tried`: they are the body of a `try`, which may fail anywhere."""
    # Hints are not needed to run, and would be: `from __future__` counts for one statement only
    future = ast.parse("from __future__ import annotations").body
    for statement in statements:
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            continue
        module = ast.fix_missing_locations(ast.Module([*future, statement], []))
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(module, file, "exec"), names)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - code of a stranger's page may raise anything
            failure = f"{file}:{statement.lineno}: {type(error).__name__}: {error}"
            sets_names = ast.Try | ast.Assign | ast.AnnAssign | ast.Import | ast.ImportFrom | ast.If
            if not tried and not isinstance(statement, sets_names):
                # It may have been meant to change what a function reads
                raise ConfigError(f"{shown(Path(file))}:{statement.lineno}: failed: {failure}") from None
            if isinstance(statement, ast.Try):
                _one_by_one(statement.body, names, file, tried=True)
            for name in _set_by(statement):
                names.setdefault(name, Missing(failure))


def _set_by(statement: ast.stmt) -> set[str]:
    found = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(statement):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return found
