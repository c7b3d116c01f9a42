"""Writes a page as YAML that people read: keys in order, short lists on one line, texts with line breaks quoted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from harness.config.yaml_page import read
from harness.errors import ConfigError

SHORT = 100


class Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Plain YAML with the styles below."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        """Indent lists below their key."""
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Write equal values out, each where it is used."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = '"' if "\n" in text or "{" in text or not text.isprintable() else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _list(dumper: yaml.SafeDumper, values: list[Any]) -> yaml.Node:
    plain = all(not isinstance(value, dict | list) for value in values)
    short = plain and sum(len(str(value)) + 4 for value in values) < SHORT
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=short)


Dumper.add_representer(str, _text)
Dumper.add_representer(list, _list)


class FlowDumper(Dumper):
    """Everything of a value on one line."""


FlowDumper.add_representer(
    list, lambda dumper, values: dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=True)
)


def page_text(page: dict[str, Any]) -> str:
    """Return a page as YAML."""
    return str(yaml.dump(page, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100_000))


def page_lines(page: dict[str, Any]) -> str:
    """Return a page as YAML, one line a key."""

    def line(value: Any) -> str:
        form = {"default_flow_style": True, "sort_keys": False, "allow_unicode": True, "width": 100_000}
        flow = yaml.dump(value, Dumper=FlowDumper, **form)
        return str(flow).strip().removesuffix("...").strip()

    return "".join(f"{key}: {line(value)}\n" for key, value in page.items())


def write_page(path: Path, page: dict[str, Any]) -> None:
    """Write a page, and read it back. Raises ConfigError where it would not be read as it was written."""
    path.write_text(page_text(page), encoding="utf-8")
    if read(path).data != page:
        raise ConfigError(f"{path.name}: a value of the page would not be read from YAML as it is")
