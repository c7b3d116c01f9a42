"""A sweep: each task of a suite under several protocols, every one a task of its own in the same run.

Axes: `shots` (counts), `prompts` (text, chat), `template` (names of the page's `variants`, `page` for the page as it
is, or files that hold the question's template), `extractor` (names of the page's `score` entries, or extractors), and
any dotted key of the page (`sampling.temperature`). All combinations are run. Guarantees: a value that a page has no
room for is refused before anything is run. Does not know what an extractor is: the page's own check does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from harness.config.checking import check_key
from harness.config.entries import in_a_name
from harness.config.pages import is_file_name, task_page
from harness.config.schema import SuitePage, SuiteTask, TaskPage
from harness.errors import ConfigError, UnknownName

Axes = Mapping[str, Sequence[Any]]
Settings = dict[str, Any]
# Of the page as it stands
AS_IS = "page"


def swept(suite: SuitePage, axes: Axes, where: str, folder: Path) -> SuitePage:
    """Return the suite with every task under all combinations of the axes' values, named TASK_VALUE_VALUE.

    Files of templates are looked for from `folder`. Raises ConfigError or UnknownName, led by `where`.
    """
    for axis, values in axes.items():
        if axis not in READERS and "." not in axis:
            raise UnknownName("axis", axis, [*READERS, "a key of the page"], where=where)
        if not values:
            raise ConfigError(f"{where}{axis} has no values")
        if len({str(value) for value in values}) < len(values):
            raise ConfigError(f"{where}{axis} has a value twice: {', '.join(map(str, values))}")
    entries: list[SuiteTask] = []
    for entry in suite.tasks:
        page, _ = task_page(entry.task, (f"{where}{entry.label}: set ", entry.set))
        for values in product(*axes.values()):
            entries.append(_protocol(entry, page, dict(zip(axes, values, strict=True)), (where, folder)))
    labels = [entry.label for entry in entries]
    if twice := sorted(label for label in set(labels) if labels.count(label) > 1):
        raise ConfigError(f"{where}two protocols would both be called {twice[0]!r}")
    return suite.model_copy(update={"tasks": entries, "sweep": {}})


def _protocol(entry: SuiteTask, page: TaskPage, chosen: Settings, place: tuple[str, Path]) -> SuiteTask:
    """One combination: its settings, and its name."""
    where, folder = place
    settings: Settings = {}
    names = [entry.label]
    for axis, value in chosen.items():
        led = f"{where}{axis}: {entry.page}"
        if axis in READERS:
            settings |= READERS[axis](page, value, led, folder)
            shown = Path(str(value)).stem if axis == "template" else value
            names.append(f"{in_a_name(shown)}shot" if axis == "shots" else in_a_name(shown))
        else:
            check_key(TaskPage, axis, f"{where}{axis}: ")
            settings[axis] = value
            names.append(f"{in_a_name(axis.rpartition('.')[2])}-{in_a_name(value)}")
    # A style that is left out must not come back by a template for it
    gone = [key for key, value in settings.items() if key in ("prompt.text", "prompt.chat") and value is None]
    kept = {key: value for key, value in settings.items() if not key.startswith(tuple(f"{key}." for key in gone))}
    return SuiteTask(
        task=entry.task,
        name="_".join(names),
        set=entry.set | kept,
        protocol=entry.protocol | {axis: str(value) for axis, value in chosen.items()},
    )


def _shots(page: TaskPage, value: Any, led: str, folder: Path) -> Settings:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigError(f"{led}: expected a count from 0 up (found {value!r})")
    if page.fewshot is None:
        if value:
            raise ConfigError(f"{led} has no `fewshot`, so no split to take shots from")
        return {}
    if page.fewshot.choose == "ids" and value > len(page.fewshot.ids):
        raise ConfigError(f"{led} names {len(page.fewshot.ids)} shots (`fewshot.ids`), not {value}")
    return {"fewshot.count": value}


def _prompts(page: TaskPage, value: Any, led: str, folder: Path) -> Settings:
    if value not in ("text", "chat"):
        raise ConfigError(f"{led}: expected text or chat (found {value!r})")
    if getattr(page.prompt, value) is None:
        raise ConfigError(f"{led} has no {value} prompt; add prompt.{value}")
    other = "chat" if value == "text" else "text"
    return {f"prompt.{other}": None}


def _template(page: TaskPage, value: Any, led: str, folder: Path) -> Settings:
    name = str(value)
    if name == AS_IS:
        return {}
    if name in page.variants:
        return dict(page.variants[name])
    if not is_file_name(name) and not Path(name).suffix:
        raise UnknownName("template", name, [AS_IS, *page.variants], where=f"{led}: ")
    try:
        # The last line break is the editor's
        text = (folder / Path(name).expanduser()).read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{led}: the template {name} cannot be read: {error}") from None
    keys = {"text": "prompt.text.template", "chat": "prompt.chat.user"}
    return {key: text for style, key in keys.items() if getattr(page.prompt, style) is not None}


def _extractor(page: TaskPage, value: Any, led: str, folder: Path) -> Settings:
    if page.ask != "generate":
        raise ConfigError(f"{led} asks for likelihoods: there is nothing to extract")
    named = [entry for entry in page.score if value in (entry.get("name"), (entry.get("extract") or {}).get("by"))]
    return {"score": named[:1] or [{**page.score[0], "extract": {"by": str(value)}}]}


READERS: Mapping[str, Callable[[TaskPage, Any, str, Path], Settings]] = {
    "shots": _shots,
    "prompts": _prompts,
    "template": _template,
    "extractor": _extractor,
}
