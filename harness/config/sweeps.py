"""A sweep: each task of a suite under several protocols, each a separate task of the same run.

Axes: `shots` (counts), `prompts` (text, chat), `template` (names of the page's `variants`, `page` for the page as it
is, or files that hold the question's template), `extractor` (names of the page's `score` entries, or extractors), and
any dotted key of the page (`sampling.temperature`). All combinations are run. Guarantees: a value that a page cannot
take is refused before anything is run. Does not know the extractors: the check of the page does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from harness.config.checking import check_key
from harness.config.entries import name_part
from harness.config.pages import checked_task, is_file_name, task_page
from harness.config.schema import SuitePage, SuiteTask
from harness.config.task_page import TaskPage
from harness.config.yaml_page import YamlPage
from harness.errors import ConfigError, UnknownName, error_prefix

Axes = Mapping[str, Sequence[Any]]
Settings = dict[str, Any]
# The page without a change
AS_IS = "page"


def swept(suite: SuitePage, axes: Axes, folder: Path, origin: str) -> SuitePage:
    """Return the suite with every task under all combinations of the axes' values, named TASK_VALUE_VALUE.

    Paths of template files are relative to `folder`; `origin` ("--sweep ") leads messages about an axis. Raises
    ConfigError, UnknownName.
    """
    with error_prefix(f"{origin.rstrip(': ')}: "):
        for axis, values in axes.items():
            if axis not in AXES and "." not in axis:
                raise UnknownName("axis", axis, [*AXES, "a key of the page"])
            if not values:
                raise ConfigError(f"{axis} has no values")
            if len({str(value) for value in values}) < len(values):
                raise ConfigError(f"{axis} has a value twice: {', '.join(map(str, values))}")
    entries: list[SuiteTask] = []
    for entry in suite.tasks:
        page, source = task_page(entry.task, (f"{entry.label}: set ", entry.set))
        for values in product(*axes.values()):
            entries.append(_protocol(entry, page, source, dict(zip(axes, values, strict=True)), folder, origin))
    labels = [entry.label for entry in entries]
    if twice := sorted(label for label in set(labels) if labels.count(label) > 1):
        raise ConfigError(f"{origin.rstrip(': ')}: two protocols would both be called {twice[0]!r}")
    return suite.model_copy(update={"tasks": entries, "sweep": {}})


def _protocol(
    entry: SuiteTask, page: TaskPage, source: YamlPage, values: Settings, folder: Path, origin: str
) -> SuiteTask:
    """Return the suite's entry for one combination of values: its settings, and its name."""
    by_axis: dict[str, Settings] = {}
    names = [entry.label]
    for axis, value in values.items():
        with error_prefix(f"{origin}{axis}: "):
            by_axis[axis] = AXES[axis](page, value, folder) if axis in AXES else _key(axis, value)
        if axis in AXES:
            shown = Path(str(value)).stem if axis == "template" else value
            names.append(f"{name_part(shown)}shot" if axis == "shots" else name_part(shown))
        else:
            names.append(f"{name_part(axis.rpartition('.')[2])}-{name_part(value)}")
    settings = {key: value for part in by_axis.values() for key, value in part.items()}
    # A template must not bring back a prompt style that another axis removed
    removed = [key for key, value in settings.items() if key in ("prompt.text", "prompt.chat") and value is None]
    kept = {key: value for key, value in settings.items() if not key.startswith(tuple(f"{key}." for key in removed))}
    # Whether the page can take the values, so that a fault is blamed on its axis
    checked_task(
        source,
        *(
            (origin if axis in part else f"{origin}{axis}: ", {key: kept[key] for key in part if key in kept})
            for axis, part in by_axis.items()
        ),
    )
    return SuiteTask(
        task=entry.task,
        name="_".join(names),
        set=entry.set | kept,
        protocol=entry.protocol | {axis: str(value) for axis, value in values.items()},
    )


def _key(axis: str, value: Any) -> Settings:
    check_key(TaskPage, axis)
    return {axis: value}


def _shots(page: TaskPage, value: Any, folder: Path) -> Settings:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigError(f"{page.name}: expected a count from 0 up (found {value!r})")
    if page.fewshot is None:
        if value:
            raise ConfigError(f"{page.name} has no `fewshot`, so no split to take shots from")
        return {}
    if page.fewshot.choose == "ids" and value > len(page.fewshot.ids):
        raise ConfigError(f"{page.name} names {len(page.fewshot.ids)} shots (`fewshot.ids`), not {value}")
    return {"fewshot.count": value}


def _prompts(page: TaskPage, value: Any, folder: Path) -> Settings:
    if value not in ("text", "chat"):
        raise ConfigError(f"{page.name}: expected text or chat (found {value!r})")
    if getattr(page.prompt, value) is None:
        raise ConfigError(f"{page.name} has no {value} prompt; add prompt.{value}")
    other = "chat" if value == "text" else "text"
    return {f"prompt.{other}": None}


def _template(page: TaskPage, value: Any, folder: Path) -> Settings:
    name = str(value)
    if name == AS_IS:
        return {}
    if name in page.variants:
        return dict(page.variants[name])
    if not is_file_name(name) and not Path(name).suffix:
        raise UnknownName("template", name, [AS_IS, *page.variants], where=f"{page.name}: ")
    try:
        # Editors add the last line break
        text = (folder / Path(name).expanduser()).read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{page.name}: the template {name} cannot be read: {error}") from None
    keys = {"text": "prompt.text.template", "chat": "prompt.chat.user"}
    return {key: text for style, key in keys.items() if getattr(page.prompt, style) is not None}


def _extractor(page: TaskPage, value: Any, folder: Path) -> Settings:
    if page.ask != "generate":
        raise ConfigError(f"{page.name} requests log-likelihoods: there is nothing to extract")
    named = [entry for entry in page.score if value in (entry.get("name"), _extractor_of(entry))]
    entry = named[0] if named else {**page.score[0], "extract": {"by": str(value)}}
    if not entry.get("metric"):
        return {"score": [entry]}
    # The only score of a task has the page's metrics
    return {"score": [{key: kept for key, kept in entry.items() if key != "metric"}], "metric": entry["metric"]}


def _extractor_of(entry: Mapping[str, Any]) -> Any:
    """The name of a score entry's own extractor, which it gives alone or with options; None where it has none."""
    extract = entry.get("extract")
    return extract.get("by") if isinstance(extract, Mapping) else extract


AXES: Mapping[str, Callable[[TaskPage, Any, Path], Settings]] = {
    "shots": _shots,
    "prompts": _prompts,
    "template": _template,
    "extractor": _extractor,
}
