"""The data set of a page of lm-evaluation-harness: where its rows are, which are questions, and which are examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.config.yaml_page import shown
from harness.data.rows import DataSet, Loader, Row
from harness.errors import ConfigError
from harness.importing.lm_eval_yaml import ForeignPage

# Readers of files, which are no data set of the hub
FILE_KINDS = ("json", "csv", "parquet", "text")
_HUB_FILE = "hf://datasets/"
# Options of their loader that change no row
IGNORED_OPTIONS = ("trust_remote_code", "download_mode", "num_proc", "verification_mode")


@dataclass(slots=True)
class ForeignData:
    """Rows of a page, by its splits."""

    page: ForeignPage
    loader: Loader
    fewshot_config: Mapping[str, Any] = field(init=False)
    split: str = field(init=False)

    def __post_init__(self) -> None:
        """Find the splits. Raises ConfigError for a page without one, or with a data set that cannot be read here."""
        values = self.page.values
        config = values.get("fewshot_config") or {}
        if not isinstance(config, Mapping):
            raise ConfigError(f"{self.page.place('fewshot_config')}: fewshot_config is no mapping")
        self.fewshot_config = config
        split = values.get("test_split") or values.get("validation_split")
        if split is None:
            raise ConfigError(f"{shown(self.page.path)}: names neither test_split nor validation_split")
        self.split = str(split)
        for key in ("test_split", "validation_split", "training_split", "fewshot_split"):
            if "[" in str(values.get(key) or ""):
                raise ConfigError(f"{self.page.place(key)}: a part of a split ({values[key]}) cannot be carried")

    @property
    def sampler(self) -> str:
        """How examples are chosen: `default` (drawn for each question), or `first_n`."""
        name = self.fewshot_config.get("sampler", "default")
        if name not in ("default", "first_n"):
            raise ConfigError(f"{self.page.place('fewshot_config')}: the sampler {name} cannot be carried")
        return str(name)

    @property
    def named_shot_split(self) -> str | None:
        """The split of examples that the page names, if it names one."""
        name = self.fewshot_config.get("split") or self.page.values.get("fewshot_split")
        return str(name) if name is not None else None

    @property
    def pool_is_split(self) -> bool:
        """Whether examples are rows of a split, not samples that the page has."""
        return self.named_shot_split is not None or self.fewshot_config.get("samples") is None

    @property
    def pool_split(self) -> str:
        """The split of examples: the named one, else the training, validation or test split."""
        values = self.page.values
        split = self.named_shot_split or values.get("training_split") or values.get("validation_split")
        return str(split or values["test_split"])

    @property
    def leaves_out_question(self) -> bool:
        """Whether a question is left out of its own examples: both splits have the same name, or none."""
        return self.named_shot_split == self.page.values.get("test_split")

    def questions(self) -> list[Row]:
        """The rows under test."""
        return self._rows(self.split)

    def pool_rows(self) -> list[Row]:
        """The rows of the split of examples."""
        return self._rows(self.pool_split)

    def source(self, split: str) -> dict[str, Any]:
        """`path`, `name`, `revision` and `file` of our page. Raises ConfigError for a source that cannot be read."""
        values = self.page.values
        if values.get("custom_dataset") is not None:
            raise ConfigError(
                f"{self.page.place('custom_dataset')}: custom_dataset makes its own rows; write them to a file"
            )
        path, name = values.get("dataset_path"), values.get("dataset_name")
        if not isinstance(path, str):
            raise ConfigError(f"{self.page.place('dataset_path')}: dataset_path is missing")
        options = dict(values.get("dataset_kwargs") or {})
        for key in IGNORED_OPTIONS:
            options.pop(key, None)
        revision = options.pop("revision", None)
        files = options.pop("data_files", None)
        if options:
            raise ConfigError(f"{self.page.place('dataset_kwargs')}: {next(iter(options))} cannot be carried")
        found: dict[str, Any] = {"path": path}
        if path in FILE_KINDS:
            found = self._file(files, split)
        elif files is not None:
            raise ConfigError(f"{self.page.place('dataset_kwargs')}: data_files of a hub data set cannot be carried")
        elif name not in (None, "default"):
            # "default" is the hub's name of the config of a data set that has no other
            found["name"] = str(name)
        if revision is not None:
            found["revision"] = str(revision)
        return found

    def _file(self, files: Any, split: str) -> dict[str, Any]:
        named = files.get(split) if isinstance(files, Mapping) else files
        if not isinstance(named, str):
            raise ConfigError(f"{self.page.place('dataset_kwargs')}: data_files names no single file for {split!r}")
        if named.startswith(_HUB_FILE):
            owner, _, rest = named.removeprefix(_HUB_FILE).partition("/")
            repository, _, file = rest.partition("/")
            return {"path": f"{owner}/{repository}", "file": file}
        if "://" in named or "*" in named:
            raise ConfigError(
                f"{self.page.place('dataset_kwargs')}: data_files {named!r}: only a file or hf:// can be carried"
            )
        # They resolve it from where the command is typed; a page must work from anywhere
        return {"path": str(Path(named).expanduser().resolve())}

    def _rows(self, split: str) -> list[Row]:
        source = self.source(split)
        data = DataSet(
            source["path"], source.get("name"), source.get("revision"), self.page.path.parent, source.get("file")
        )
        return list(self.loader.load(data, split, ()).rows)
