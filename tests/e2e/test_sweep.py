"""`harness run --sweep`: one model under several protocols in one run, and how much of the score is the protocol."""

from __future__ import annotations

import json

import pytest
from files import read_jsonl, write_jsonl

import harness
from harness.config.building import run_config
from harness.run import evaluate

VARIANTS = """\
variants:
  plain: {prompt.text.template: "{{ a }}+{{ b }}"}
  wordy: {prompt.text.template: "Add {{ a }} to {{ b }}:"}
"""


class Seen:
    """A watcher that counts what goes by."""

    def __init__(self) -> None:
        self.loads: list[tuple[int, int]] = []
        self.tasks: list[str] = []

    def planned(self, facts, tasks, folder, sandbox) -> None:
        """The tasks of the run."""
        self.tasks = [task.name for task in tasks]

    def started(self, total: int, known: int) -> None:
        """The engine is loaded."""
        self.loads.append((total, known))

    def recorded(self, record) -> None:
        """Nothing to do."""

    def waiting(self, text: str) -> None:
        """Nothing to do."""


@pytest.fixture
def swept(cli, sums, tmp_path):
    """The additions under three templates, right 9, 5 and 8 times of ten; returns what the command printed."""
    sums.write_text(sums.read_text() + VARIANTS, encoding="utf-8")
    right = {"sums_page": range(9), "sums_plain": range(5), "sums_wordy": range(1, 9)}
    answers = write_jsonl(
        tmp_path / "swept.jsonl",
        [
            {"task": task, "sample_id": f"s{i}", "completion": f" it is {3 * i if i in good else 1000 + i}"}
            for task, good in right.items()
            for i in range(10)
        ],
    )

    def run(*words: object):
        common = ("run", "--engine", "scripted", "--completions", answers, "--tasks", sums, "--out", "swept")
        return cli(*common, "--sweep", "template=page,plain,wordy", *words)

    return run


def test_the_table_has_a_row_a_protocol_and_says_how_much_is_the_protocol(swept, tmp_path):
    seen = swept()
    assert seen.code == 0, seen.err
    lines = seen.out.splitlines()
    table = lines[lines.index("scripted on sums: 3 protocols") if "scripted on sums: 3 protocols" in lines else 0 :]
    assert [line.split()[:2] for line in table if line.startswith(("page ", "plain ", "wordy "))] == [
        ["page", "0.900"],
        ["plain", "0.500"],
        ["wordy", "0.800"],
    ]
    assert "Spread (max - min): 0.400, highest page, lowest plain, on the same 10 samples." in seen.out
    assert "Protocol's share of a score's variance:" in seen.out
    assert "3 protocols" in (tmp_path / "swept/table.md").read_text()


def test_the_document_holds_the_sweep_as_computed_by_hand(swept):
    found = json.loads(swept("--json").out)["sweeps"]
    assert len(found) == 1 and found[0]["page"] == "sums"
    sweep = found[0]
    assert (sweep["n"], sweep["left_out"], sweep["best"], sweep["worst"]) == (10, 0, "sums_page", "sums_plain")
    assert [row["protocol"] for row in sweep["rows"]] == [{"template": t} for t in ("page", "plain", "wordy")]
    assert [row["value"] for row in sweep["rows"]] == [0.9, 0.5, 0.8]
    assert [row["difference"] for row in sweep["rows"]] == [None, pytest.approx(-0.4), pytest.approx(-0.1)]
    # Four samples lost and none won: McNemar's exact p is 2 / 2**4, doubled by Holm
    assert sweep["rows"][1]["p"] == pytest.approx(0.25)
    # Two-way layout by hand: squares of protocols 26/30 with 2 degrees of freedom, of the residual 74/30 with 18
    assert sweep["protocol_sd"] == pytest.approx(((26 / 30 / 2 - 74 / 30 / 18) / 10) ** 0.5)


def test_the_same_command_goes_on_where_it_was_cut_off(swept, tmp_path):
    first = swept()
    records = tmp_path / "swept/records.jsonl"
    whole = records.read_bytes()
    records.write_bytes(b"".join(whole.splitlines(keepends=True)[:17]))
    manifest = json.loads((tmp_path / "swept/manifest.json").read_text())
    (tmp_path / "swept/manifest.json").write_text(json.dumps({**manifest, "status": "interrupted"}))
    again = swept()
    assert again.code == 0, again.err
    assert again.out == first.out
    assert len({row["request"]["key"] for row in read_jsonl(records)}) == 30
    assert "was finished already" in swept().out


def test_a_rescore_shows_the_sweep_again(swept, cli):
    first = swept()
    again = cli("rescore", "swept")
    assert again.code == 0, again.err
    assert first.out.split("3 protocols")[1].split("\n\n")[1] in again.out


def test_one_load_and_one_stream_serve_all_protocols(tmp_path):
    axes = {"prompts": ["text", "chat"], "template": ["page", "bare"]}
    config = run_config("demo-smaller", None, ["demo_math"], {"limit": 4, "out": str(tmp_path / "r")}, "here", axes)
    seen = Seen()
    result = evaluate(config, watcher=seen)
    assert seen.loads == [(16, 0)]
    assert seen.tasks == [f"demo_math_{style}_{template}" for style in axes["prompts"] for template in axes["template"]]
    kinds = {record.request.task: record.request.prompt.kind for record in result.records}
    assert kinds == {name: name.split("_")[2] for name in seen.tasks}


def test_a_sweep_over_extractors_asks_the_model_once(tmp_path):
    """The same prompts under two ways to read the answer: engine time is spent on the first."""
    axes = {"extractor": ["regex", "number"]}
    config = run_config("demo-smaller", None, ["demo_math"], {"limit": 6, "out": str(tmp_path / "r")}, "here", axes)
    by_task: dict[str, list] = {}
    for record in evaluate(config).records:
        by_task.setdefault(record.request.task, []).append(record)
    first, second = by_task["demo_math_regex"], by_task["demo_math_number"]
    assert [record.reply.text for record in first] == [record.reply.text for record in second]
    assert all(record.reply.seconds > 0 for record in first)
    assert all(record.reply.seconds == 0 for record in second)


def test_a_page_that_names_its_extractor_alone_can_be_swept_over_extractors(cli, sums, sums_answers):
    page = sums.read_text(encoding="utf-8").partition("score:")[0]
    sums.write_text(f"{page}score: [{{by: exact_match, extract: number}}]\nmetric: [mean]\n", encoding="utf-8")
    words = ("run", "--tasks", sums, "--style", "text", "--limit", 1, "--dry-run")
    seen = cli(*words, "--sweep", "extractor=number")
    assert seen.code == 0 and "--- sums_number" in seen.out, seen.err


def test_two_models_are_compared_protocol_by_protocol(cli, tmp_path):
    for model in ("demo-smaller", "demo-larger"):
        harness.evaluate(
            model=model, tasks=["demo_math"], limit=25, out=tmp_path / model, sweep={"template": ["page", "polite"]}
        )
    seen = cli("compare", "demo-smaller", "demo-larger", "--json")
    assert seen.code == 0, seen.err
    rows = {row["task"]: row for row in json.loads(seen.out)["rows"]}
    assert set(rows) == {"demo_math_page", "demo_math_polite"}
    assert rows["demo_math_page"]["finding"] == "better"


def test_a_dry_run_shows_every_protocol(cli):
    seen = cli("run", "--tasks", "demo_math", "--sweep", "template=page,bare", "--limit", 1, "--dry-run")
    assert seen.code == 0, seen.err
    assert "--- demo_math_page" in seen.out and "--- demo_math_bare" in seen.out


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ("template=page,bar", "no template is called 'bar'; did you mean 'bare'"),
        ("shots=0,5", "demo_math has no `fewshot`"),
        ("0,5", "expected AXIS=VALUE,VALUE"),
        ("shots=0,shots=5", "shots is given twice"),
        ("extractor=numbr", "no extractor is called 'numbr'; did you mean 'number'"),
    ],
)
def test_what_cannot_be_swept_is_one_line_before_anything_runs(cli, tmp_path, sweep, message):
    seen = cli("run", "--quiet", "--tasks", "demo_math", "--sweep", sweep)
    assert seen.code == 2
    assert message in seen.err and seen.err.count("\n") == 1
    assert not (tmp_path / "runs").exists()
