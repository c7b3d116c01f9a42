"""How many of lm-evaluation-harness's math and code pages `harness tasks import` takes, and with which prompts.

    python benchmarks/import_pages.py --lm-eval ENV/bin/python --mirror DIR [--out FILE.md] [--only gsm8k,mgsm]

Each page is imported, and what ours asks of the first rows is compared with what lm-evaluation-harness itself builds
from its page in its own environment, from the same files. Where the mirror lacks a data set, both get made-up rows with
its columns (`import_rows.py`). Exit code 1 where an imported page asks anything else.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from import_rows import complete

from harness.data.rows import Loader
from harness.errors import HarnessError
from harness.importing.lm_eval import Importer
from harness.importing.lm_eval_data import ForeignData
from harness.importing.lm_eval_task import RowRequests
from harness.importing.lm_eval_yaml import ForeignPage, read_foreign

# Folder of the family -> which of its tasks are of mathematics or code
FAMILIES = {
    **dict.fromkeys(("gsm8k", "gsm8k_platinum", "gsm_plus", "mgsm", "afrimgsm", "asdiv", "arithmetic"), ""),
    **dict.fromkeys(("hendrycks_math", "minerva_math", "leaderboard/math", "mathqa", "aime", "hrm8k"), ""),
    **dict.fromkeys(("putnam_axiom", "humaneval", "humaneval_infilling", "mbpp", "cruxeval", "code_x_glue"), ""),
    "longproc": "",
    "agieval": "aqua_rat|math",
    "mmlu_pro": "math",
    "metabench": "gsm8k",
    "llama3": "gsm8k|math|algebra|statistics",
    "score": "math|aqua",
}
ROWS = 5
HEAD = (
    "# Pages of lm-evaluation-harness that `harness tasks import` takes",
    "",
    "Written by `python benchmarks/import_pages.py --lm-eval ENV/bin/python --mirror DIR --out docs/importing.md`.",
    f'"Equal": what our page asks of the first {ROWS} rows has the bytes of what lm-evaluation-harness 0.4.13 builds',
    "in its own environment from the same files: prompts, and the continuations of likelihoods. A page whose",
    "functions must score needs the packages that they import.",
    "",
)
SHORT = 150


@dataclass(slots=True)
class Result:
    """What became of one page. `equal`: None where the other side could not build it."""

    family: str
    name: str
    form: str = ""
    why_not: str = ""
    equal: bool | None = None
    real: bool = False
    oracle: str = ""


def main() -> int:
    """Import, compare, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lm-eval", required=True, help="Python of the environment that lm-evaluation-harness is in")
    parser.add_argument("--mirror", type=Path, required=True, help="folder with the data sets")
    parser.add_argument("--only", default="", help="families, by commas")
    parser.add_argument("--out", type=Path, help="Markdown file for the tables")
    chosen = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    where = "import lm_eval, pathlib; print(pathlib.Path(lm_eval.__file__).parent / 'tasks')"
    tasks = Path(subprocess.run([chosen.lm_eval, "-c", where], check=True, text=True, stdout=-1).stdout.split()[-1])
    families = [name for name in FAMILIES if not chosen.only or name in chosen.only.split(",")]
    with tempfile.TemporaryDirectory() as scratch:
        results = compared(tasks, families, Path(chosen.lm_eval), chosen.mirror, Path(scratch))
    text = report(results)
    print(text)
    if chosen.out:
        chosen.out.write_text(text, encoding="utf-8")
    return int(any(result.form and result.equal is False for result in results))


def pages_of(tasks: Path, family: str) -> list[ForeignPage]:
    """The task pages of a family."""
    found = []
    for file in sorted((tasks / family).rglob("*.yaml")):
        page = read_foreign(file)
        if isinstance(page.values.get("task"), str) and re.search(FAMILIES[family], page.values["task"]):
            found.append(page)
    return found


def compared(tasks: Path, families: list[str], python: Path, real: Path, scratch: Path) -> list[Result]:
    """Import every page of the families and compare it."""
    mirror, spec, results = scratch / "mirror", {}, []
    read: list[tuple[Result, ForeignPage]] = []
    for family in families:
        for page in pages_of(tasks, family):
            result = Result(family, page.values["task"])
            results.append(result)
            try:
                data = ForeignData(page, Loader(mirror))
                source = data.source(data.split)
                opened = {data.pool_split} if data.pool_is_split else set()
                opened |= {str(page.values[key]) for key in SPLITS if page.values.get(key)}
                result.real = complete(mirror, real, source["path"], source.get("name"), data.split, opened)
            except (HarnessError, KeyError) as error:
                result.why_not = str(error)
                continue
            spec[result.name] = {"file": str(page.path), "data": [source["path"], source.get("name")]}
            read.append((result, page))
    theirs = asked_there(python, {"mirror": str(mirror), "pages": spec, "rows": ROWS}, scratch)
    for result, page in read:
        importer = Importer(scratch / "pages" / result.family / result.name, mirror, trusted=True, compared=ROWS)
        try:
            made = importer.task(page)
        except HarnessError as error:
            result.why_not = str(error)
            continue
        result.form = made.form
        there = theirs[result.name]
        if isinstance(there, str):
            result.oracle = there
        else:
            result.equal = flat(made.requests) == [tuple(each) for each in there]
    return results


SPLITS = ("test_split", "validation_split", "training_split", "fewshot_split")


def asked_there(python: Path, spec: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """What lm-evaluation-harness asks, or why it cannot, by page."""
    given, answer = scratch / "spec.json", scratch / "requests.json"
    given.write_text(json.dumps(spec), encoding="utf-8")
    oracle = Path(__file__).resolve().parent / "import_oracle.py"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "LMEVAL_LOG_LEVEL": "ERROR", "HF_ALLOW_CODE_EVAL": "1"}
    subprocess.run(
        [python, oracle, given, answer],
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return found


def flat(requests: tuple[RowRequests, ...]) -> list[tuple[str, str | None]]:
    """Requests one after the other."""
    pairs: list[tuple[str, str | None]] = []
    for row in requests:
        pairs += zip(row.contexts, row.continuations or [None] * len(row.contexts), strict=True)
    return pairs


def report(results: list[Result]) -> str:
    """The tables as Markdown."""
    lines = [
        *HEAD,
        "| family | pages | imported | templates / rows / prompts | equal | not comparable | different |",
        "|--|--|--|--|--|--|--|",
    ]
    groups = [(name, [r for r in results if r.family == name]) for name in dict.fromkeys(r.family for r in results)]
    for name, group in [*groups, ("**all**", results)]:
        imported = [result for result in group if result.form]
        forms = Counter(result.form for result in imported)
        counts = " / ".join(str(forms[form]) for form in ("templates", "rows", "prompts"))
        equal = Counter(result.equal for result in imported)
        lines.append(
            f"| {name} | {len(group)} | {len(imported)} | {counts} | {equal[True]} | {equal[None]} | {equal[False]} |"
        )
    total, taken = len(results), sum(bool(result.form) for result in results)
    real = sum(result.real and result.equal is True for result in results)
    lines += [
        "",
        f"{taken} of {total} pages ({taken / total:.1%}) were imported. Of the equal ones {real} were compared on",
    ]
    lines += ["the real data, the others on made-up rows.", "", "Not imported:", ""]
    reasons = Counter((result.family, reason(result.why_not)) for result in results if not result.form)
    lines += [f"- {family} ({count}): {why}" for (family, why), count in sorted(reasons.items())]
    odd = [result for result in results if result.form and result.equal is not True]
    lines += ["", "Imported, but not compared with lm-evaluation-harness's own prompts, or different from them:", ""]
    lines += [f"- {result.name}: {result.oracle[:SHORT] or 'other prompts'}" for result in odd]
    return "\n".join(lines) + "\n"


def reason(message: str) -> str:
    """A message without what differs between pages of a family."""
    line = " ".join(message.split())
    return re.sub(r"(\S*/)?[\w.-]+:\d+: |\S*/(?=[\w.-]+\.(yaml|py|jsonl)\b)", "", line)[:SHORT]


if __name__ == "__main__":
    sys.exit(main())
