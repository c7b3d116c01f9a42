"""What every group of commands is made of: an option that takes one value is refused when it is given twice.

Click keeps the last one in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperOption


class OnceCommand(TyperCommand):
    """A command whose single-valued options may be given once."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as click does. Raises a usage error (exit 2) for a repeated option."""
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        for parameter, count in Counter(order).items():
            if count > 1 and isinstance(parameter, TyperOption) and not _may_repeat(parameter):
                raise typer.BadParameter(f"given {count} times, but it takes one value; give it once", ctx, parameter)
        return super().parse_args(ctx, args)


def _may_repeat(option: TyperOption) -> bool:
    """Lists, and flags that only switch something on."""
    return option.multiple or option.count or (option.is_flag and not option.secondary_opts)


class App(typer.Typer):
    """A group of commands, each a `OnceCommand`."""

    def command(self, name: str | None = None, **words: Any) -> Callable[[Any], Any]:
        """Add a command."""
        return super().command(name, **({"cls": OnceCommand} | words))
