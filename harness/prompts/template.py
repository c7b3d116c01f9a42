"""Strict Jinja2 templates over a row's columns. An unknown variable is an error, never an empty string.

A template may come from a stranger: it is sandboxed, and what is more than plain text and columns is filled in a
process with limits on time and memory. Every newline is kept, since a prompt's last characters decide what a model
writes next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import ConfigError, DataError
from harness.prompts.bounded import Fault, fill


def render(template: str, variables: Mapping[str, Any], where: str) -> str:
    """Fill `template`.

    Raises ConfigError for bad syntax, DataError for a variable that the row lacks or has as null, for a template that
    fails or costs too much, and for a text that is no Unicode (a lone surrogate).
    """
    filled = fill(template, variables)
    if isinstance(filled, Fault):
        raise _error(filled, variables, where)
    if not filled.isascii():
        try:
            filled.encode()
        except UnicodeEncodeError as error:
            half = f"\\u{ord(filled[error.start]):04x}"
            raise DataError(
                f"{where}the text holds {half}, half a character (a lone surrogate), which no model can be given; "
                "repair the row"
            ) from None
    return filled


def check_syntax(template: str, where: str) -> None:
    """Raise ConfigError if `template` does not parse or names a filter that there is not."""
    from harness.prompts.bounded import syntax_fault

    if (fault := syntax_fault(template)) is not None:
        raise _error(fault, {}, where)


def _error(fault: Fault, variables: Mapping[str, Any], where: str) -> ConfigError | DataError:
    if fault.kind == "syntax":
        return ConfigError(f"{where}the template does not parse: {fault.message}")
    if fault.kind == "undefined":
        names = ", ".join(sorted(map(str, variables)))
        return DataError(f"{where}the template needs something that is not there: {fault.message}; known: {names}")
    if fault.kind == "null":
        nulls = ", ".join(sorted(str(name) for name, value in variables.items() if value is None))
        columns = f" (null here: {nulls})" if nulls else ""
        return DataError(
            f"{where}a value that the template prints is null in this row{columns}; "
            "{{ x if x is not none else '' }} says what to print instead"
        )
    return DataError(f"{where}the template cannot be filled: {fault.message}")
