"""Runs in lm-evaluation-harness's own environment: what its pages ask of the first rows, as it builds it itself.

    python import_oracle.py SPEC.json OUT.json

SPEC: {"mirror": FOLDER, "pages": {NAME: {"file": PATH, "data": [ORG/NAME, CONFIG]}}, "rows": N}. OUT has for each
page its requests ([context, continuation or null], in order), or why there are none.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any


class Programs:
    """Replaces `evaluate`'s code_eval, which would be downloaded, and runs nothing here."""

    def compute(self, **given: Any) -> Any:
        """Return a result of the right form."""
        return {"pass@1": 0.0}, {}


def main() -> None:
    """Build the requests of every page."""
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    import datasets
    import evaluate

    evaluate.load = lambda *args, **kwargs: Programs()
    wanted: dict[str, Any] = {}

    def load_dataset(path: str, name: str | None = None, **kwargs: Any) -> Any:
        source, config = wanted["data"]
        folder = Path(spec["mirror"]) / source / (config or "")
        files = [file for file in sorted(folder.iterdir()) if ".jsonl" in file.name]
        return datasets.DatasetDict({file.name.split(".")[0]: datasets.Dataset.from_list(rows(file)) for file in files})

    datasets.load_dataset = load_dataset
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks._yaml_loader import load_yaml

    found: dict[str, Any] = {}
    for name, page in spec["pages"].items():
        wanted["data"] = page["data"]
        try:
            config = load_yaml(page["file"])
            for key in ("tag", "group", "task_list"):
                config.pop(key, None)
            task = ConfigurableTask(config=config)
            task.set_fewshot_seed(1234)
            if task.config.num_fewshot is None:
                task.set_config("num_fewshot", 0)
            task.build_all_requests(limit=spec["rows"])
            # One of the equal requests of a row's repeats is enough
            found[name] = [requests(each) for each in task.instances]
        except Exception as error:  # noqa: BLE001 - one page that cannot be built must not end the others
            found[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    Path(sys.argv[2]).write_text(json.dumps(found), encoding="utf-8")


def rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a file."""
    content = file.read_bytes()
    text = (gzip.decompress(content) if file.suffix == ".gz" else content).decode()
    return [json.loads(line) for line in text.split("\n") if line]


def requests(instance: Any) -> list[Any]:
    """One request as [context, continuation]; a generation has no continuation."""
    context, second = (*instance.args, None)[:2]
    if instance.request_type == "loglikelihood_rolling":
        return ["", context]
    return [context, second if instance.request_type == "loglikelihood" else None]


if __name__ == "__main__":
    main()
