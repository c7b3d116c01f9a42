"""Rows of a hub data set at one commit, and what each refusal of the hub means for the user.

Guarantees: what is read is the commit that was resolved, from the local cache or from the hub; a copy of another
commit that happens to be cached is never used (`datasets` takes the latest one when a request fails). A pinned commit
that is cached needs no network. Does not check the bytes against the hub's hashes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import hub
from harness.errors import HubError

COMMIT = re.compile(r"[0-9a-f]{40}")


class _NotServed(OSError):
    """`datasets` fell back to a cached copy of another commit, so the request for this one failed."""


def resolve(path: str, revision: str | None) -> str:
    """Return the commit that a revision (None: main) means now. Raises HubError.

    If the hub cannot be reached, the cache gives the commit that it has for the name.
    """
    if revision and COMMIT.fullmatch(revision):
        return revision
    if hub.settle():
        return str(_info(path, revision).sha)
    hub.quiet()
    from huggingface_hub import constants

    name = revision or "main"
    ref = Path(constants.HF_HUB_CACHE) / f"datasets--{path.replace('/', '--')}" / "refs" / name
    if ref.is_file():
        return ref.read_text(encoding="utf-8").strip()
    commits = sorted({folder.name for folder in _prepared(path)})
    if name == "main" and len(commits) == 1:
        return commits[0]
    if commits:
        raise HubError(
            f"{path}: {hub.offline().partition(' and nothing')[0]} and the local cache does not know "
            f"what {name!r} is there; pin one of its commits by data.revision: {', '.join(commits)}"
        )
    raise HubError(f"{path}: {hub.offline()} for data use --mirror DIR")


def read_file_of(path: str, file: str, commit: str) -> Path:
    """Download (or take from the cache) one file of a data repository at `commit`. Raises HubError."""
    hub.quiet()
    online = hub.settle()
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HTTPError  # type: ignore[attr-defined]

    def download() -> str:
        return str(hf_hub_download(path, file, repo_type="dataset", revision=commit, local_files_only=not online))

    try:
        if online:
            return Path(hub.retried(download, f"{path}"))
        return Path(download())
    except EntryNotFoundError:
        if not online:
            raise HubError(f"{path} at {commit}: {hub.offline()} for data use --mirror DIR") from None
        raise HubError(f"{path} has no file {file!r} at {commit}") from None
    except (HTTPError, OSError) as error:
        raise _refusal(error, path, commit) from None


def read_split(path: str, name: str | None, split: str, commit: str) -> list[dict[str, Any]]:
    """Download (or take from the cache) one split at `commit`. Raises HubError with one line: what, and what to do."""
    hub.quiet()
    online = hub.settle()
    import datasets
    from datasets.exceptions import DatasetsError
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

    try:
        builder = _cached_builder(path, name, commit)
        if builder is None and not online:
            raise HubError(_not_cached(path, name, commit))
        if builder is None:
            _refuse_script(path, _info(path, commit))
            builder = hub.retried(lambda: _downloaded(path, name, commit), f"{path} at {commit}")
        data = builder.as_dataset(split=split)
    except (HTTPError, OSError) as error:
        raise _refusal(error, path, commit) from None
    except (ValueError, RuntimeError, DatasetsError) as error:
        raise HubError(f"{path} cannot be loaded: {hub.one_line(error)}") from None
    assert isinstance(data, datasets.Dataset)
    for column, feature in data.features.items():
        if str(getattr(feature, "dtype", "")).startswith(("timestamp", "date", "time", "duration")):
            # Arrow reads text that looks like a date as one; what the text was is lost
            raise HubError(f"{path}: the column {column!r} was read as dates; use a mirror of its JSON files")
    return [dict(row) for row in data]


def _downloaded(path: str, name: str | None, commit: str) -> Any:
    """A builder whose rows are on disk, of this commit and no other."""
    import datasets

    builder = datasets.load_dataset_builder(path, name, revision=commit)
    if builder.hash != commit:
        raise _NotServed(f"the hub did not serve commit {commit}; commit {builder.hash} is cached and is not used")
    builder.download_and_prepare()
    return builder


def _info(path: str, revision: str | None) -> Any:
    """The hub's description of a data set. Raises HubError."""
    hub.quiet()
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, HTTPError  # type: ignore[attr-defined]

    try:
        return hub.retried(lambda: HfApi().dataset_info(path, revision=revision, timeout=30), f"{path}")
    except HFValidationError as error:
        raise HubError(f"{path!r} is not a hub id: {hub.one_line(error)}") from None
    except (HTTPError, OSError) as error:
        raise _refusal(error, path, revision) from None


def _refusal(error: Exception, path: str, revision: str | None) -> HubError:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    for kind in (error, error.__cause__, error.__context__):
        if isinstance(kind, GatedRepoError):
            return HubError(f"{path} {hub.GATED}")
        if isinstance(kind, RevisionNotFoundError):
            return HubError(f"{path}: the hub has no revision {revision or 'main'!r} of it")
        if isinstance(kind, RepositoryNotFoundError):
            return HubError(f"{path}: no such data set on the hub (private? `hf auth login`)")
    return HubError(f"{path} could not be downloaded: {hub.one_line(error)}")


def _refuse_script(path: str, info: Any) -> None:
    """Refuse a data set that is a program: `datasets` runs none, and reports it only after its other requests."""
    script = f"{path.rpartition('/')[2]}.py"
    if any(one.rfilename == script for one in info.siblings or ()):
        raise HubError(
            f"{path} is made by a script ({script}), which `datasets` does not run; name one of its data files "
            "with data.file, or use --mirror DIR"
        )


def _prepared(path: str) -> list[Path]:
    """Folders of `datasets`' cache that hold a data set: CONFIG/VERSION/COMMIT, for each config and commit."""
    import datasets
    from datasets.naming import camelcase_to_snakecase

    *owner, name = path.split("/")
    root = Path(datasets.config.HF_DATASETS_CACHE) / "___".join([*owner, camelcase_to_snakecase(name)])
    return [info.parent for info in root.glob("*/*/*/dataset_info.json") if COMMIT.fullmatch(info.parent.name)]


def _cached_builder(path: str, name: str | None, commit: str) -> Any:
    """A builder on the cached rows of exactly this config and commit; None where they are not there."""
    from datasets.packaged_modules.cache.cache import Cache

    folders = {folder.parts[-3]: folder for folder in _prepared(path) if folder.name == commit}
    config = name or _default_config(path, commit) or (next(iter(folders)) if len(folders) == 1 else "default")
    if config not in folders:
        return None
    version = folders[config].parts[-2]
    dataset_name = path.rpartition("/")[2]
    return Cache(dataset_name=dataset_name, config_name=config, version=version, hash=commit, repo_id=path)


def _default_config(path: str, commit: str) -> str | None:
    """The config that is used where none is named, by the data set's card where that is cached."""
    from datasets.utils.metadata import MetadataConfigs
    from huggingface_hub import DatasetCard, try_to_load_from_cache

    card = try_to_load_from_cache(path, "README.md", revision=commit, repo_type="dataset")
    if not isinstance(card, str):
        return None
    card_data = DatasetCard.load(Path(card), ignore_metadata_errors=True).data
    default = MetadataConfigs.from_dataset_card_data(card_data).get_default_config_name()
    if default:
        return str(default)
    described: Any = getattr(card_data, "dataset_info", None)
    described = [described] if isinstance(described, Mapping) else described or []
    names = [one.get("config_name", "default") for one in described]
    return str(names[0]) if len(names) == 1 else None


def _not_cached(path: str, name: str | None, commit: str) -> str:
    others = sorted({folder.name for folder in _prepared(path)} - {commit})
    cached = f" (commits that are: {', '.join(others)})" if others else ""
    config = f" ({name})" if name else ""
    why = hub.offline().partition(" and nothing")[0]
    return (
        f"{path}{config} at {commit} is not in the local cache{cached}, and {why}; "
        "connect, or for data use --mirror DIR"
    )
