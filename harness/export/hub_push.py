"""Results of a run to the hub: what would be sent, and sending it.

A model's repository gets `.eval_results/*.yaml`, by default as a pull request, which anyone may open
(docs: huggingface.co/docs/hub/eval-results); a data set's repository may get the run's tables, which the results then
name as their source. The token is the one of huggingface_hub's own login, or HF_TOKEN.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from harness.errors import HubError, UserError
from harness.export.base import StoredRun
from harness.export.hub import FOLDER, HubResult, hub_results, yaml_text
from harness.hub import GATED, one_line, why_unreachable

# What a reader of the numbers wants of a run folder; records may hold texts that must not be public
TABLES = ("scores.json", "table.md", "table.csv")
BENCHMARK = "eval.yaml"
LOGIN = "`hf auth login` with a token that may write, or set HF_TOKEN"

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Push:
    """What is sent: results to the model's repository `repo`, tables to the data set's repository `tables_repo`.

    `direct`: commits to main instead of pull requests. `tables` are files of the run folder, under `place`.
    """

    repo: str
    results: tuple[HubResult, ...]
    direct: bool
    tables_repo: str | None
    tables: tuple[Path, ...]
    place: str


def planned(run: StoredRun, repo: str, tables_repo: str | None, task_ids: Mapping[str, str], *, direct: bool) -> Push:
    """Say what would be sent; needs no network. Raises UserError for a name that is none, or nothing to send."""
    for name in (repo, tables_repo):
        if name is not None:
            _check_name(name)
    results = hub_results(run)
    if not results:
        raise UserError(
            f"{run.folder} has nothing for the hub: it shows tasks whose data is there, with their own questions"
        )
    if unknown := sorted(task_ids.keys() - {result.task for result in results}):
        known = ", ".join(result.task for result in results)
        raise UserError(f"--task-id {unknown[0]}: no such task among the results; they are of {known}")
    named = tuple(replace(result, task_id=task_ids.get(result.task, result.task_id)) for result in results)
    tables = tuple(path for name in TABLES if (path := run.folder / name).is_file()) if tables_repo else ()
    return Push(repo, named, direct, tables_repo, tables, f"harness/{run.manifest.run_id}")


def push(plan: Push, given: Mapping[str, str]) -> list[str]:
    """Send it; return the addresses of the commits or pull requests. Tasks in `given` keep their id.

    Raises UserError for a task id that the benchmark does not have or that two results would have, HubError for what
    the hub refuses.
    """
    from huggingface_hub import CommitOperationAdd, HfApi, get_token

    if get_token() is None:
        raise HubError(f"no token for the hub: {LOGIN}")
    # Its client tries for a quarter of a minute before it says so
    if (reason := why_unreachable()) is not None:
        raise HubError(f"the Hugging Face hub cannot be reached ({reason}); nothing was sent")
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
    results = [_with_task_id(api, result, result.task in given) for result in plan.results]
    _refuse_same_id(results)
    addresses, source = [], None
    if plan.tables_repo is not None:
        tables = [CommitOperationAdd(f"{plan.place}/{path.name}", path) for path in plan.tables]
        source = _commit(api, plan.tables_repo, "dataset", tables, "Tables of a run of harness", plan.direct)
        addresses.append(source)
    files = [
        CommitOperationAdd(f"{FOLDER}/{result.task}.yaml", yaml_text(result, source).encode()) for result in results
    ]
    title = f"Evaluation results: {', '.join(result.task for result in results)}"
    addresses.append(_commit(api, plan.repo, "model", files, title[:100], plan.direct))
    return addresses


def _check_name(name: str) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(name)
    except HFValidationError:
        name = ""
    if name.count("/") != 1:
        raise UserError("--repo and --results-repo are names like USER/MODEL, of letters, digits, `-`, `_` and `.`")


def _with_task_id(api: Any, result: HubResult, is_given: bool) -> HubResult:
    """The result under the id that its benchmark has for the task: its own, or the one of the same part of the data."""
    tasks = _benchmark_tasks(api, result.dataset)
    ids = [str(task.get("id")) for task in tasks]
    if not tasks or result.task_id in ids:
        return result
    same = [
        str(task["id"])
        for task in tasks
        if task.get("split") == result.split and task.get("config", "default") == (result.config or "default")
    ]
    if len(same) == 1 and not is_given:
        return replace(result, task_id=same[0])
    raise UserError(
        f"{result.dataset} has no task {result.task_id!r}; its {BENCHMARK} has {', '.join(ids)}: "
        f"give one with --task-id {result.task}=ID"
    )


def _refuse_same_id(results: Sequence[HubResult]) -> None:
    """Refuse several protocols of one page (a sweep): the hub could not tell which is the benchmark's score."""
    known: dict[tuple[str, str], str] = {}
    for result in results:
        other = known.setdefault((result.dataset, result.task_id), result.task)
        if other != result.task:
            raise UserError(
                f"{other} and {result.task} would both be the task {result.task_id!r} of {result.dataset}; nothing was "
                "sent: push a run that has one of them, or give each its own with --task-id TASK=ID"
            )


def _benchmark_tasks(api: Any, dataset: str) -> Sequence[Mapping[str, Any]]:
    """The tasks in the eval.yaml of a data set; none for one that is no benchmark."""
    import yaml
    from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError

    try:
        file = _answered(lambda: api.hf_hub_download(dataset, BENCHMARK, repo_type="dataset"), dataset)
    except (EntryNotFoundError, RepositoryNotFoundError):
        return ()
    try:
        page = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return ()
    tasks = page.get("tasks") if isinstance(page, dict) else None
    return [task for task in tasks if isinstance(task, dict) and "id" in task] if isinstance(tasks, list) else ()


def _commit(
    api: Any, repo: str, kind: Literal["model", "dataset"], files: Sequence[Any], title: str, direct: bool
) -> str:
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info = _answered(
            lambda: api.create_commit(
                repo_id=repo, repo_type=kind, operations=list(files), commit_message=title, create_pr=not direct
            ),
            repo,
        )
    except RepositoryNotFoundError:
        raise HubError(
            f"{repo}: no such {kind} on the hub, or your token may not see it; create it, or {LOGIN}"
        ) from None
    return str(info.pr_url or info.commit_url)


def _answered(call: Callable[[], Value], repo: str) -> Value:
    """Call the hub once: a commit that is sent again could be there twice. Raises HubError with one line."""
    from httpx2 import HTTPError
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        return call()
    except GatedRepoError:
        raise HubError(f"{repo} {GATED}") from None
    except LocalEntryNotFoundError as error:
        raise HubError(f"{repo}: the hub cannot be reached: {one_line(error.__cause__ or error)}") from None
    except (EntryNotFoundError, RepositoryNotFoundError):
        raise
    except HfHubHTTPError as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in (401, 403):
            raise HubError(f"{repo}: the hub refuses the token ({status}): {LOGIN}") from None
        raise HubError(f"{repo}: the hub answers {status}: {one_line(error)}; try again later") from None
    except (HTTPError, OSError) as error:
        raise HubError(f"{repo}: the hub cannot be reached: {one_line(error)}") from None
