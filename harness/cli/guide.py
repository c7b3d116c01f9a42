"""`harness tasks guide [NAME]`: what can be written in a task page, with this installation's plug-ins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.guide.keys import Key


def guide(
    name: Annotated[
        str | None, typer.Argument(help="a key (fewshot.choose), a scorer, an extractor or a metric")
    ] = None,
) -> None:
    """Explain a key of task pages, a scorer, an extractor or a metric; alone: list them all."""
    from harness import plugins
    from harness.config.task_page import TaskPage
    from harness.errors import UnknownName
    from harness.guide.keys import sections
    from harness.guide.plug_ins import KINDS, plug_in, written

    known = {section.name: section for section in sections(TaskPage)}
    keys = {key.name: key for section in known.values() for key in section.keys}
    files = {
        kind: {written(file) if kind == "metric" else file: file for file in plugins.names(kind)} for kind in KINDS
    }
    if name is None:
        for section in known.values():
            print(f"{section.name or 'page'}: {', '.join(key.name.rpartition('.')[2] for key in section.keys)}")
        for kind in KINDS:
            print(f"\n{kind}s: {', '.join(files[kind])}")
        print("\n`harness tasks guide NAME` explains one")
        return
    found = [(kind, files[kind][name]) for kind in KINDS if name in files[kind]]
    if name not in keys and not found:
        raise UnknownName("key or plug-in", name, {*keys, *(each for kind in KINDS for each in files[kind])})
    if name in keys:
        _print_key(keys[name])
        if name in known:
            print(f"\n{known[name].about}\n")
            for key in known[name].keys:
                _print_key(key)
    for kind, file in found:
        each = plug_in(kind, file)
        print(f"{kind} {each.name}\n\n{each.about}")
        if each.options:
            print()
        for option in each.options:
            _print_key(option)


def _print_key(key: Key) -> None:
    print(f"{key.name}: {key.kind.replace('`', '')}; {key.about} [{key.default.strip('`')}]")
