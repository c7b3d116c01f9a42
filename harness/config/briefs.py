"""What a listing says of each shipped page, read fast: its few plain keys, by a parser in C, without checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.config import pages
from harness.config.yaml_page import shown
from harness.errors import ConfigError

LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True, slots=True)
class Brief:
    """A page in short. `n`: its samples, where the page says; `forms`: `text` for base models, `chat`."""

    name: str
    about: str
    data: str
    n: int | None
    tags: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    ask: str = "generate"

    def speaks(self, language: str) -> bool:
        """Whether it has questions in a language: `zh` is also that of a page of `zh-Hant`."""
        wanted = language.lower()
        return any(each.lower() == wanted or each.lower().startswith(f"{wanted}-") for each in self.languages)

    def mentions(self, text: str) -> bool:
        """Whether its name, description or tags have a text, in any case."""
        return text.lower() in " ".join((self.name, self.about, *self.tags)).lower()


def task_briefs() -> list[Brief]:
    """Every shipped task, by name. Raises ConfigError for a file that is no page."""
    return [_brief(name, path) for name, path in sorted(pages.index("tasks").items())]


def _brief(name: str, path: Path) -> Brief:
    try:
        # Every value is a text here: `no` is a language, and no truth value
        page = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
        data, prompt = page["data"], page.get("prompt") or {}
        count = page.get("expected_count")
        return Brief(
            name,
            " ".join(str(page.get("about", "")).split()),
            str(data["path"]),
            int(count) if count else None,
            _texts(page.get("tags")),
            _texts(page.get("languages")),
            tuple(style for style in ("text", "chat") if prompt.get(style)) or ("text",),
            str(page.get("ask", "generate")),
        )
    except (yaml.YAMLError, OSError, ValueError, TypeError, KeyError, AttributeError):
        raise ConfigError(f"{shown(path)}: is no task page; `harness tasks validate {shown(path)}` says why") from None


def _texts(given: Any) -> tuple[str, ...]:
    return tuple(map(str, given)) if isinstance(given, Sequence) and not isinstance(given, str) else ()
