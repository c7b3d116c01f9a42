"""What every group of commands is made of: an option that takes one value is refused when it is given twice.

Click keeps the last one in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption


class OnceCommand(TyperCommand):
    """A command whose single-valued options may be given once."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as click does. Raises a usage error (exit 2) for a repeated option."""
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        for parameter, count in Counter(order).items():
            if count > 1 and isinstance(parameter, TyperOption) and not _may_repeat(parameter):
                raise typer.BadParameter(f"given {count} times, but it takes one value; give it once", ctx, parameter)
        return super().parse_args(ctx, args)


class RunCommand(OnceCommand):
    """`harness run`, which knows the words of other harnesses and says what to type in their place."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as the others do. Raises ConfigError for words of another harness."""
        from harness.cli.other_words import refuse_other_words

        known = {
            name: not getattr(option, "is_flag", False) and getattr(option, "count", False) is False
            for option in self.get_params(ctx)
            for name in option.opts
            if isinstance(option, TyperOption) or name == "--help"
        }
        refuse_other_words(args, known)
        return super().parse_args(ctx, args)


class HarnessGroup(TyperGroup):
    """The whole command line: options of `run` without `run` get a hint."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as typer does. Raises ConfigError where a command is missing."""
        from harness.errors import ConfigError

        word = args[0].partition("=")[0] if args else ""
        if word.startswith("--") and word not in {name for option in self.get_params(ctx) for name in option.opts}:
            of_run = {name for option in self.commands["run"].get_params(ctx) for name in option.opts}
            from harness.cli.other_words import WORDS

            if word.replace("_", "-") in of_run or word in WORDS:
                raise ConfigError(f"{word} is an option of `harness run`: type harness run {word} ...")
        return super().parse_args(ctx, args)


def _may_repeat(option: TyperOption) -> bool:
    """Lists, and flags that only switch something on."""
    return option.multiple or option.count or (option.is_flag and not option.secondary_opts)


class App(typer.Typer):
    """A group of commands, each a `OnceCommand`."""

    def command(self, name: str | None = None, **words: Any) -> Callable[[Any], Any]:
        """Add a command."""
        return super().command(name, **({"cls": OnceCommand} | words))
