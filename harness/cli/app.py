"""What every group of commands is made of: an option that takes one value is refused when it is given twice.

Click keeps the last one in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

# Commands of other tools, and what is typed here
OTHER_COMMANDS = dict.fromkeys(("eval", "evaluate", "lm-eval", "lm_eval"), "run ...") | {
    "ls": "runs (or harness tasks list)",
    "list": "tasks list (or harness runs)",
    "info": "tasks show TASK (or harness models inspect MODEL)",
    "view": "report RUN (or harness show RUN)",
    "diff": "compare RUN RUN",
    "download": "run --dry-run ... (data and models are downloaded when they are needed)",
}


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn a usage error of click, which is several lines, into a ConfigError; help that it shows passes."""
    from typer._click.exceptions import NoArgsIsHelpError, UsageError

    from harness.errors import ConfigError

    try:
        yield
    except NoArgsIsHelpError:
        raise
    except UsageError as error:
        text = error.format_message().replace("Value error, ", "").rstrip(".")
        command = error.ctx.command_path if error.ctx is not None else "harness"
        raise ConfigError(f"{text[:1].lower()}{text[1:]} (`{command} --help` lists what there is)") from None


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

    def make_context(self, *words: Any, **more: Any) -> Any:
        """Make a context as typer does. Raises ConfigError for a usage error."""
        with _one_line():
            return super().make_context(*words, **more)

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Raises ConfigError for a usage error of it."""
        with _one_line():
            return super().invoke(ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as typer does. Raises ConfigError where a command is missing."""
        from harness.errors import ConfigError

        word = args[0].partition("=")[0] if args else ""
        if word in OTHER_COMMANDS and word not in self.commands:
            raise ConfigError(f"no such command {word!r}; type harness {OTHER_COMMANDS[word]}")
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
