"""`harness exec`: one program through the sandbox, to see whether a set-up works and what a verdict looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Files = list[Path] | None


def execute(
    file: Annotated[Path, typer.Argument(help="the program, as a model would have written it")],
    lang: Annotated[str | None, typer.Option("--lang", help="language; default: by the file's ending")] = None,
    tests: Annotated[Path | None, typer.Option("--tests", help="tests that follow the program")] = None,
    prelude: Annotated[Path | None, typer.Option("--prelude", help="text to put before the program")] = None,
    stdin: Annotated[Files, typer.Option("--stdin", help="input of a run as a whole program; with --stdout")] = None,
    stdout: Annotated[Files, typer.Option("--stdout", help="what that run must print")] = None,
    entry_point: Annotated[str | None, typer.Option("--entry-point", help="the function that the tests call")] = None,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Python: run the tests in the program's own process")
    ] = False,
    sandbox: Annotated[str, typer.Option(help="auto, or a sandbox by name (`harness doctor` lists them)")] = "auto",
    seconds: Annotated[float, typer.Option(min=0.1, help="wall-clock seconds for the program")] = 10.0,
    package: Annotated[
        list[str] | None, typer.Option("--package", help="Python package that it may import; may be repeated")
    ] = None,
    json_out: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Run one program against tests in the sandbox and print the verdict. Exit code 0 if it passed, else 1."""
    import dataclasses
    import json

    from harness.datatypes import StdinCase, Tests
    from harness.errors import ConfigError, SandboxError
    from harness.execution.base import Job, Limits
    from harness.execution.choose import open_sandbox

    inputs, outputs = stdin or [], stdout or []
    if len(inputs) != len(outputs) or bool(inputs) == (tests is not None):
        raise ConfigError("give either --tests, or --stdin and --stdout as often as each other")
    job = Job(
        _read(file),
        Tests(
            language=lang or _by_ending(file),
            prelude=_read(prelude) if prelude else "",
            tests=_read(tests) if tests else "",
            entry_point=entry_point,
            cases=tuple(StdinCase(_read(given), _read(wanted)) for given, wanted in zip(inputs, outputs, strict=True)),
            check="in_process" if in_process else "by_value",
        ),
    )
    opened = open_sandbox(sandbox)
    try:
        verdict = opened.run(job, Limits(wall_seconds=seconds, packages=tuple(package or ())))
    finally:
        opened.close()
    if json_out:
        print(json.dumps({"sandbox": opened.level, **dataclasses.asdict(verdict)}, indent=2))
    else:
        print(f"{verdict.status}{f': {verdict.message}' if verdict.message else ''}")
        print(f"sandbox {opened.level}, check {verdict.check}, {verdict.seconds:.3f} s")
        if verdict.output:
            print(f"it printed:\n{verdict.output.rstrip()}")
    if verdict.status == "infra":
        raise SandboxError(f"the program could not be judged: {verdict.message}")
    raise typer.Exit(0 if verdict.status == "passed" else 1)


def _read(path: Path) -> str:
    from harness.errors import ConfigError

    try:
        # No translation of line ends: a lone carriage return in expected output is not a line end
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}") from None


def _by_ending(file: Path) -> str:
    """The language whose files end like this one."""
    from harness import plugins
    from harness.errors import ConfigError

    known = {}
    for name in plugins.names("language"):
        for ending in getattr(plugins.load("language", name), "ENDINGS", ()):
            known[ending] = name
    if file.suffix not in known:
        raise ConfigError(
            f"{file}: the ending {file.suffix!r} belongs to no known language; name the language with --lang"
        )
    return known[file.suffix]
