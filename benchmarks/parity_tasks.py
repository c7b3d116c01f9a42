"""Compares our task pages with the tasks of lm-evaluation-harness that they name as their reference.

    python benchmarks/parity_tasks.py --mirror ../shared/data --lm-eval /path/to/its/env/bin/python --out docs/parity.md
    python benchmarks/parity_tasks.py gsm8k mmlu --mirror ... --lm-eval ... --examples

With `--results FILE` the results of earlier runs are kept, so that one page can be compared again after a change.
Exit code 1 for a difference that `task_parity/pages.yaml` does not explain, and for an explanation of none.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from task_parity import explained, kept, table
from task_parity.comparison import Extent, Result, Tools, compare
from task_parity.completions import kinds
from task_parity.our_side import bound, claims, encoder_of
from task_parity.peer import Peer, PeerFault
from task_parity.stand_ins import overlay

from harness.data.rows import Loader
from harness.engines.base import ModelSpec
from harness.engines.registry import open_engine
from harness.errors import HarnessError

REPO = Path(__file__).resolve().parents[1]


def main() -> int:
    """Compare, print, write."""
    given = arguments()
    known = explained.read()
    results = kept.read(given.results)
    encoder = encoder_of(given.tokenizer)
    every = claims((), known["pages"])
    chosen = claims(given.pages, known["pages"]) if given.pages else every
    names = {claim.name for claim in every}
    results = {name: result for name, result in results.items() if name in names}
    unknown = known["pages"].keys() - names
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mirror-"))
        mirror, made = overlay(given.mirror.resolve(), Path(folder))
        settings = {"mirror": str(mirror), "aliases": known["aliases"], "packages": packages()}
        settings["num_fewshot"] = known["num_fewshot"]
        peer = stack.enter_context(Peer(given.lm_eval, settings))
        engine = stack.enter_context(engine_of(given.model))
        loader = Loader(mirror)
        for claim in chosen:
            started = time.monotonic()
            data = claim.page.data
            rows_are_made = isinstance(data.name, str | None) and (data.path, data.name) in made
            entry = known["pages"].get(claim.name, {})
            held = recorded(given.recorded, known["recorded"].get(claim.name, ()))
            tools = Tools(encoder, entry, held, (given.model, engine))
            try:
                with bound(claim, loader, rows_are_made) as ours:
                    result = compare(ours, peer, tools, Extent(given.samples, given.programs))
            except (HarnessError, PeerFault, LookupError, TypeError, ValueError) as error:
                result = Result(claim.name, claim.task, faults=[f"{type(error).__name__}: {error}"])
            result.made = rows_are_made
            results[claim.name] = result
            if given.results:
                kept.write(given.results, list(results.values()))
            report(result, entry, time.monotonic() - started, given.examples)
    found = list(results.values())
    print(table.summary(found, known["pages"]))
    if given.out:
        facts = {
            "version": "0.4.13",
            "command": "make parity",
            "tokenizer": given.tokenizer.name,
            "kinds": len(kinds()),
        }
        given.out.write_text(table.page(found, known["pages"], **facts), encoding="utf-8")
    for page in sorted(unknown):
        print(f"{page}: pages.yaml explains a page that names no task of lm-eval")
    wrong = [any(explained.explanations(each, known["pages"].get(each.page, {}))) for each in found]
    return int(any(wrong) or bool(unknown))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("pages", nargs="*", help="names of pages; all that name a task of lm-eval if none is given")
    parser.add_argument("--mirror", type=Path, required=True, help="folder with data sets, used by both sides")
    parser.add_argument("--lm-eval", type=Path, required=True, help="the Python of an environment with lm-eval 0.4.13")
    parser.add_argument("--recorded", type=Path, help="folder with recorded completions")
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder of a tokenizer with a chat template")
    parser.add_argument("--model", type=Path, default=REPO / "harness/demo/models/demo-larger")
    parser.add_argument("--samples", type=int, default=Extent().samples, help="samples whose completions are scored")
    parser.add_argument("--programs", type=int, default=Extent().programs, help="the same of pages that run programs")
    parser.add_argument("--examples", action="store_true", help="show what differs")
    parser.add_argument(
        "--results", type=Path, help="JSON file that keeps results; pages that are not named stay in it"
    )
    parser.add_argument("--out", type=Path, help="Markdown file")
    return parser.parse_args()


def packages() -> list[str]:
    """Where lm-eval finds transformers if its own environment has none: this environment."""
    import transformers

    return [str(Path(transformers.__file__).parents[1])]


@contextmanager
def engine_of(model: Path) -> Iterator[Any]:
    """Load the default engine with a model, in float32."""
    engine = open_engine(None, ModelSpec(str(model), style="text", dtype="float32", device="cpu"), {})
    try:
        engine.load()
        yield engine
    finally:
        engine.close()


def recorded(folder: Path | None, files: Sequence[str]) -> dict[str, list[str]]:
    """Return recorded completions by sample id."""
    found: dict[str, list[str]] = {}
    for name in files if folder else ():
        assert folder is not None
        for line in gzip.decompress((folder / f"{name}.jsonl.gz").read_bytes()).decode().splitlines():
            row = json.loads(line)
            found.setdefault(row["sample_id"], []).append(row["completion"])
    return found


def report(result: Result, entry: Mapping[str, Any], seconds: float, examples: bool) -> None:
    """Print one page's result."""
    unexplained, stale = explained.explanations(result, entry)
    scores = "; ".join(f"{name} {count.shown()}" for name, count in result.scores.items())
    line = [f"{result.page}: {table.status(result)}", f"prompts {result.prompts.shown()}", f"scores {scores or '-'}"]
    line += [f"chat {result.chat.shown()} {result.chat_form}"] if result.chat.total else []
    line += (
        [f"log-likelihoods {result.likelihoods}, largest difference {result.largest:.1e}"] if result.likelihoods else []
    )
    line += [f"only here: {', '.join(result.only_ours)}"] if result.only_ours else []
    line += [f"only there: {', '.join(result.only_theirs)}"] if result.only_theirs else []
    print("; ".join([*line, f"{seconds:.0f} s"]), flush=True)
    for name, found in (("", result.faults), ("settings: ", result.settings), ("unexplained: ", unexplained)):
        for each in found:
            print(f"    {name}{each}", flush=True)
    for each in stale:
        print(f"    explained, but not different: {each}", flush=True)
    if examples:
        counts = [result.prompts, result.chat, *result.scores.values()]
        for count in counts:
            for example in count.examples[:40]:
                print(f"      {example}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
