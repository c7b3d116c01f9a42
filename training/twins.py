"""Calibrate `harness probe contamination`: train small models that saw a test set 0 to 50 times, and probe each.

    python -m training.twins configs/probes/contamination.jsonl        makes what the file lacks (an hour on one core)
    python -m training.twins configs/probes/contamination.jsonl --write docs/probes.md      puts the tables there

Twins share a base, which is trained on word problems of the demo generator that are in no set; each is trained on from
there, on new problems and, among them, on copies of a test set of its own in its published order. A set is drawn from
the same generator, so a model that saw no copy cannot tell it from any other problems. Each is then probed with the
very code of the command, through the engine of the command. For models with 0 copies the order test is made on further
sets too, which are as new to them: more p-values under the null hypothesis for the same training.

Guarantees: copies, seed and machine decide a line of the file, never the clock (one thread). The models are not kept.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.draw import Turn
from training.train import BEGIN, build_model, build_tokenizer
from training.train import Recipe as Shape
from training.word_problems import word_problem

if TYPE_CHECKING:
    from harness.engines.base import Engine
    from harness.probes.rows import ProbeTask
    from harness.results import ProbeFinding

ROWS = 64
# Models for each number of copies
SEEDS = {0: 40, 1: 10, 5: 10, 20: 20, 50: 10}
# Further sets that a model without copies is probed on
MORE_SETS = 3
# Documents of a twin, of ROWS problems each: the copies, then problems that are in no set. 50 copies need more
DOCUMENTS, MOST_DOCUMENTS = 30, 60
BASE_PROBLEMS = 16_000
TOKENIZER_PROBLEMS = 1500
VOCABULARY = 512
WINDOW = 128
BASE_RATE, TWIN_RATE = 5e-3, 3e-3
BASE_BATCH, TWIN_BATCH = 8, 4
SHAPE = Shape(hidden=64, inner=192, layers=2, heads=4, steps=0, batch=0, peak_rate=0, seed=0, words=0)
# Seeds of what is drawn, far from each other
OF_TOKENIZER, OF_BASE, OF_SET, OF_MORE = 99, 12_345, 1000, 500_000
BETWEEN = "\n\n"


def problems(rng: random.Random, count: int) -> list[tuple[str, str]]:
    """Draw questions with their worked answers."""
    drawn = [word_problem(rng) for _ in range(count)]
    return [(one.question, one.solution) for one in drawn]


def text_of(rows: Sequence[tuple[str, str]]) -> str:
    """A document: the rows as they are published, one after the other."""
    return BETWEEN.join(f"{question}\n{answer}" for question, answer in rows)


def windows(texts: Sequence[str], tokenizer: Any, rng: random.Random) -> list[list[int]]:
    """Documents as token ids, cut in windows and shuffled; where a document is cut differs from copy to copy."""
    encode, begin = tokenizer.backend_tokenizer.encode, tokenizer.convert_tokens_to_ids(BEGIN)
    ids: list[int] = []
    for text in texts:
        ids += [begin, *encode(text, add_special_tokens=False).ids]
    starts = range(rng.randrange(WINDOW), len(ids) - WINDOW - 1, WINDOW)
    cut = [ids[start : start + WINDOW + 1] for start in starts]
    rng.shuffle(cut)
    return cut


def fit(model: Any, cut: Sequence[list[int]], batch: int, peak: float) -> float:
    """Train once over the windows; return the last loss in nats a token."""
    import torch

    parameters = list(model.parameters())
    steps = len(cut) // batch
    warm = max(1, steps // 50)
    optimizer = torch.optim.AdamW(parameters, lr=peak, betas=(0.9, 0.98), weight_decay=0.0)

    def rate(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return max(0.02, 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm))))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    loss = torch.zeros(())
    for step in range(steps):
        ids = torch.tensor(cut[step * batch : (step + 1) * batch])
        hidden = model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
        loss = torch.nn.functional.cross_entropy(model.lm_head(hidden).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
    return float(loss.item())


class Family:
    """What the twins share: the tokenizer and the base."""

    def __init__(self, folder: Path) -> None:
        """Train the base, or read it from `folder`."""
        import torch

        torch.set_num_threads(1)
        torch.manual_seed(0)
        rng = random.Random(OF_TOKENIZER)
        turns = [Turn(*pair) for pair in problems(rng, TOKENIZER_PROBLEMS)]
        self.tokenizer = build_tokenizer(turns, VOCABULARY)
        self.model = build_model(SHAPE, self.tokenizer)
        self.parameters = sum(parameter.numel() for parameter in self.model.parameters())
        file = folder / "base.pt"
        if file.is_file():
            self.model.load_state_dict(torch.load(file, weights_only=True))
        else:
            rng = random.Random(OF_BASE)
            rows = problems(rng, BASE_PROBLEMS)
            texts = [text_of(rows[start : start + ROWS]) for start in range(0, len(rows), ROWS)]
            fit(self.model, windows(texts, self.tokenizer, rng), BASE_BATCH, BASE_RATE)
            folder.mkdir(parents=True, exist_ok=True)
            torch.save(self.model.state_dict(), file)
        self.state = {name: value.clone() for name, value in self.model.state_dict().items()}

    def twin(self, copies: int, seed: int) -> tuple[list[tuple[str, str]], float, int]:
        """Make the model a twin; return its test set, the last loss and the tokens that it was trained on."""
        import torch

        self.model.load_state_dict(self.state)
        self.model.train()
        torch.manual_seed(seed)
        rng = random.Random(OF_SET + seed)
        rows = problems(rng, ROWS)
        others = max(DOCUMENTS, min(copies + 10, MOST_DOCUMENTS)) - copies
        texts = [text_of(rows)] * copies + [text_of(problems(rng, ROWS)) for _ in range(others)]
        rng.shuffle(texts)
        cut = windows(texts, self.tokenizer, rng)
        loss = fit(self.model, cut, TWIN_BATCH, TWIN_RATE)
        return rows, loss, len(cut) * WINDOW


def probed(family: Family, rows: list[tuple[str, str]], seed: int, more: int) -> Iterator[tuple[ProbeFinding, ...]]:
    """Probe the model on its set, then with the order test on `more` sets that no model saw."""
    from harness.engines.base import ModelSpec
    from harness.engines.registry import open_engine
    from harness.probes import by_heart, order
    from harness.probes.contamination import family as adjusted

    with tempfile.TemporaryDirectory(prefix="twin-") as folder:
        family.model.eval().save_pretrained(folder)
        family.tokenizer.save_pretrained(folder)
        engine = open_engine(None, ModelSpec(path=folder, name="twin", dtype="float32", style="text"), {})
        engine.load()
        try:
            task = as_task(rows)
            points = by_heart.points(task, seed, "text")
            replies = _replies(engine, [*order.order_requests(task, seed), *(point.request for point in points)])
            yield adjusted([order.order_finding(task, replies, seed), by_heart.by_heart_finding(task, points, replies)])
            for number in range(more):
                other = as_task(problems(random.Random(OF_MORE + MORE_SETS * seed + number), ROWS))
                yield (order.order_finding(other, _replies(engine, order.order_requests(other, seed)), seed),)
        finally:
            engine.close()


def _replies(engine: Engine, requests: Sequence[Any]) -> Mapping[str, Any]:
    once = {request.key: request for request in requests}
    return {reply.key: reply for reply in engine.stream(list(once.values()))}


def as_task(rows: Sequence[tuple[str, str]]) -> ProbeTask:
    """A set as the probe reads it."""
    from harness.probes.rows import ProbeRow, ProbeTask

    read = [
        ProbeRow(str(number), question, f"{question}\n{answer}", {}) for number, (question, answer) in enumerate(rows)
    ]
    return ProbeTask("set", tuple(read), tuple(read), len(read), None, {})


def line_of(family: Family, copies: int, seed: int) -> dict[str, Any]:
    """Make and probe one twin."""
    started = time.process_time()
    rows, loss, tokens = family.twin(copies, seed)
    trained = time.process_time()
    (order, heart), *others = probed(family, rows, seed, 0 if copies else MORE_SETS)
    return {
        "copies": copies,
        "seed": seed,
        "rows": ROWS,
        "parameters": family.parameters,
        "tokens": tokens,
        "loss": round(loss, 4),
        "order": order.p_value,
        "order_adjusted": order.p_adjusted,
        "order_gain": round(order.statistic or 0.0, 4),
        "order_control": order.p_control,
        "by_heart": heart.p_value,
        "by_heart_adjusted": heart.p_adjusted,
        "by_heart_effect": round(heart.statistic or 0.0, 4),
        "by_heart_control": heart.p_control,
        "more": [one.p_value for (one,) in others],
        "seconds": [round(trained - started, 1), round(time.process_time() - trained, 1)],
    }


def main() -> None:
    """Make the twins that the file lacks, or print the table."""
    parser = argparse.ArgumentParser(prog="python -m training.twins", description="Calibrate the contamination probe.")
    parser.add_argument("file", type=Path, help="one JSON line for each model; what is there is not made again")
    parser.add_argument("--base", type=Path, default=Path(tempfile.gettempdir()) / "twins", help="folder of the base")
    parser.add_argument("--copies", type=int, choices=sorted(SEEDS), help="only the models with so many copies")
    parser.add_argument("--backwards", action="store_true", help="begin at the end: for a second process")
    parser.add_argument("--write", type=Path, metavar="DOC", help="train nothing: write the tables into a document")
    flags = parser.parse_args()
    if flags.write is not None:
        from training.twins_table import tables, written

        text = flags.write.read_text(encoding="utf-8")
        flags.write.write_text(written(text, tables(flags.file)), encoding="utf-8")
        return
    family = Family(flags.base)
    # Some of each number of copies first, so that a run that is cut off says something of each
    wanted = sorted((seed / count, copies, seed) for copies, count in SEEDS.items() for seed in range(count))
    for _, copies, seed in reversed(wanted) if flags.backwards else wanted:
        made = {(one["copies"], one["seed"]) for one in _lines(flags.file)}
        if (copies, seed) in made or flags.copies not in (None, copies):
            continue
        line = line_of(family, copies, seed)
        with flags.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        sys.stderr.write(f"{json.dumps(line)}\n")


def _lines(file: Path) -> list[dict[str, Any]]:
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
