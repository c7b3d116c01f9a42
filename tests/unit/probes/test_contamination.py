"""A probe finds what a model remembers, nothing in one that remembers nothing, and refuses what it cannot test."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.building import run_config
from harness.datatypes import (
    ChatPrompt,
    Completion,
    ContinuationScore,
    Failure,
    GenerateRequest,
    Likelihood,
    Record,
    Refusal,
    Reply,
    Request,
    Style,
)
from harness.engines.base import Capabilities, EngineFacts, PromptSize
from harness.errors import ConfigError, EngineError, RunFolderError, UserError
from harness.probes.calibration import calibration_lines
from harness.probes.contamination import Probed, probe
from harness.probes.exchange import Names
from harness.probes.plan import planned_probe
from harness.report.probes import probe_table
from harness.results import BY_HEART, ORDER, PROBE_LEVEL, ProbeFinding
from training.word_problems import word_problem

PAGE = """\
name: riddles
version: 1
source: {{licence: Apache-2.0}}
data: {{path: ./riddles.jsonl, split: test, columns: [question, answer]}}
reference:
  answer: ["{{{{ answer | after('####') }}}}"]
prompt:
  text: {{template: "Question: {{{{ question }}}}\\nAnswer:", target: " {{{{ answer }}}}"}}
  chat: {{user: "{{{{ question }}}}", target: "{{{{ answer }}}}"}}
sampling: {{max_tokens: 8}}
score: [{{by: exact_match}}]
metric: [mean]
{more}
"""


class Remembering:
    """A model that knows one text by heart, and of everything else a number made of its letters."""

    def __init__(
        self, memory: str = "", *, able: bool = True, style: Style = "text", breaks_after: int = 10**9
    ) -> None:
        """`able`: it gives log-likelihoods; `breaks_after` so many requests it refuses all others."""
        self._memory, self._able, self._style, self._left = memory, able, style, breaks_after
        self.requested = 0

    def capabilities(self) -> Capabilities:
        return Capabilities(loglikelihoods=self._able, contexts=True, concurrency=4, answers_by="prompt")

    def facts(self) -> EngineFacts:
        return EngineFacts("remembering", "it", self._style, digests={"memory": str(len(self._memory))})

    def check(self, requests: Sequence[Request]) -> None:
        pass

    def measure(self, request: Request) -> PromptSize:
        return PromptSize(10, 0, 5, "")

    def load(self) -> None:
        pass

    def close(self) -> None:
        pass

    def stream(self, requests: Sequence[Request]) -> Iterator[Reply]:
        for request in requests:
            self._left -= 1
            self.requested += 1
            yield (
                Refusal(request.key, Failure("engine", "gone", "it is gone", ours=True))
                if self._left < 0
                else (self._answer(request))
            )

    def _answer(self, request: Request) -> Reply:
        prompt = request.prompt
        text = prompt.messages[-1].content.rpartition("\n\n")[2] if isinstance(prompt, ChatPrompt) else prompt.text
        if isinstance(request, GenerateRequest):
            _, found, rest = self._memory.partition(text)
            return Completion(request.key, rest[:80] if found else " and so on and on and on", "length")
        scores = [self._score(text, continuation) for continuation in request.continuations]
        return Likelihood(request.key, tuple(ContinuationScore(score, 5, 20, 20, False) for score in scores))

    def _score(self, text: str, continuation: str) -> float:
        noise = int.from_bytes(hashlib.sha256((text + continuation).encode()).digest()[:4]) / 2**32
        return -20 - 10 * noise + (8 if text[-40:] + continuation in self._memory else 0)


class Seen:
    """Takes what a probe says of its progress."""

    def started(self, total: int, known: int) -> None:
        pass

    def recorded(self, record: Record) -> None:
        pass

    def waiting(self, text: str) -> None:
        pass


def _rows(count: int = 48, seed: int = 7) -> list[dict[str, str]]:
    rng = random.Random(seed)
    drawn = [word_problem(rng) for _ in range(count)]
    return [{"question": one.question, "answer": one.solution} for one in drawn]


def _page(folder: Path, rows: list[dict[str, str]], more: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "riddles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    page = folder / "riddles.yaml"
    page.write_text(PAGE.format(more=more), encoding="utf-8")
    return page


def _file(rows: list[dict[str, str]]) -> str:
    return "\n\n".join(f"{row['question']}\n{row['answer']}" for row in rows)


def _probed(folder: Path, engine: Remembering, rows: list[dict[str, str]], more: str = "") -> Probed:
    page = _page(folder, rows, more)
    config = run_config("demo-larger", None, [str(page)], {"out": str(folder / "out")}, "test")
    with planned_probe(config, opener=lambda *_: engine) as plan:
        return probe(plan, plan.cost(), Seen())


def test_a_model_that_read_the_file_is_found_by_both_tests_and_their_controls_are_silent(tmp_path: Path) -> None:
    rows = _rows()
    order, heart = _probed(tmp_path, Remembering(_file(rows)), rows).findings
    assert (order.test, heart.test) == (ORDER, BY_HEART)
    assert order.significant
    assert order.p_value == pytest.approx(1e-5)
    assert order.n == 48 - 6
    assert heart.significant
    assert not order.control_failed
    assert not heart.control_failed


def test_a_model_that_read_the_rows_in_another_order_knows_them_by_heart_only(tmp_path: Path) -> None:
    rows = _rows()
    other = random.Random(1).sample(rows, len(rows))
    order, heart = _probed(tmp_path, Remembering(_file(other)), rows).findings
    assert not order.significant
    assert heart.significant


def test_a_model_that_read_nothing_is_not_accused(tmp_path: Path) -> None:
    findings = _probed(tmp_path, Remembering(), _rows()).findings
    assert not any(finding.significant for finding in findings)
    words = {row.cells[-1] for row in probe_table(findings, PROBE_LEVEL).rows}
    assert words == {"no evidence"}


class Lazy(Remembering):
    """An engine that gives up early, and says nothing of it."""

    def stream(self, requests: Sequence[Request]) -> Iterator[Reply]:
        yield from super().stream(requests[:5])


def test_a_probe_whose_engine_gives_up_early_ends_with_a_line_and_keeps_its_answers(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"the engine remembering gave no reply to \d+ of \d+ requests"):
        _probed(tmp_path, Lazy(), _rows())
    assert len((tmp_path / "out" / "records.jsonl").read_text().splitlines()) == 5
    assert _probed(tmp_path, Remembering(), _rows()).document["status"] == "finished"


def test_p_values_of_models_that_read_nothing_are_spread_evenly(tmp_path: Path) -> None:
    from scipy import stats

    from harness.probes.order import order_finding, order_requests
    from harness.probes.rows import ProbeRow, ProbeTask

    engine = Remembering()
    seen = []
    for seed in range(40):
        rows = [ProbeRow(str(n), "", f"{row['question']} {n}", {}) for n, row in enumerate(_rows(16, 1000 + seed))]
        task = ProbeTask("t", tuple(rows), tuple(rows), 16, None, {})
        replies = {reply.key: reply for reply in engine.stream(order_requests(task, seed))}
        found = order_finding(task, replies, seed)
        seen += [found.p_value, found.p_control]
    assert stats.kstest(seen, "uniform").pvalue > 0.01


def test_a_sorted_set_is_refused_with_what_it_is_sorted_by(tmp_path: Path) -> None:
    rows = sorted(_rows(), key=lambda row: len(row["question"]))
    order, heart = _probed(tmp_path, Remembering(_file(rows)), rows).findings
    assert "neighbours are alike in length" in order.refused
    assert order.p_value is None
    assert heart.significant


def test_the_order_is_tested_on_the_whole_set_though_the_part_to_be_probed_looks_unsorted(tmp_path: Path) -> None:
    by_length = sorted(_rows(96), key=lambda row: len(row["question"]))
    part = random.Random(2).sample(by_length[:24], 24)
    page = _page(tmp_path, part + by_length[24:])
    for limit in (24, None):
        config = run_config("demo-larger", None, [str(page)], {"limit": limit}, "test")
        with planned_probe(config, opener=lambda *_: Remembering()) as plan:
            (planned,) = plan.tasks
            assert len(planned.task.rows) == (limit or 96)
            assert "length" in planned.refused[ORDER]
    # The part alone is not refused
    config = run_config("demo-larger", None, [str(_page(tmp_path / "part", part))], {}, "test")
    with planned_probe(config, opener=lambda *_: Remembering()) as plan:
        assert ORDER not in plan.tasks[0].refused


def test_changed_questions_are_no_published_ones(tmp_path: Path) -> None:
    page = _page(tmp_path, _rows())
    config = run_config("demo-larger", None, [str(page)], {"perturb.by": "numbers"}, "test")
    with (
        pytest.raises(ConfigError, match="as they were published: leave out `perturb`"),
        planned_probe(config, opener=lambda *_: Remembering()),
    ):
        pass


def test_a_set_whose_page_says_that_it_is_ordered_is_refused_with_these_words(tmp_path: Path) -> None:
    order, _ = _probed(tmp_path, Remembering(), _rows(), 'probe: {ordered: "by the date of the exam"}').findings
    assert order.refused == "the page says: by the date of the exam"


def test_a_set_grouped_by_a_column_is_refused_with_the_column(tmp_path: Path) -> None:
    rows = [{**row, "subject": f"subject {number // 6}"} for number, row in enumerate(_rows())]
    order, _ = _probed(tmp_path, Remembering(), rows).findings
    assert "neighbours are alike in the column `subject`" in order.refused


def test_a_model_without_log_likelihoods_is_tested_by_heart_alone_through_its_chat(tmp_path: Path) -> None:
    rows = _rows()
    order, heart = _probed(tmp_path, Remembering(_file(rows), able=False, style="chat"), rows).findings
    assert "no log-likelihoods" in order.refused
    assert heart.significant


def test_nothing_to_test_is_an_error_that_names_every_reason(tmp_path: Path) -> None:
    rows = [{"question": f"What is {a} and {b} in all?", "answer": f"#### {a + b}"} for a, b in
            itertools.product(range(6), range(6))]  # fmt: skip
    with pytest.raises(UserError, match=r"no test can be made: riddles, order: .*riddles, by heart: 0 of 36 rows"):
        _probed(tmp_path, Remembering(able=False), rows)


def test_a_probe_goes_on_where_it_was_cut_off_and_ends_with_the_same_findings(tmp_path: Path) -> None:
    rows = _rows()
    whole = _probed(tmp_path / "a", Remembering(_file(rows)), rows)
    cut = _probed(tmp_path / "b", Remembering(_file(rows), breaks_after=100), rows)
    assert sum(finding.unanswered for finding in cut.findings)
    engine = Remembering(_file(rows))
    again = _probed(tmp_path / "b", engine, rows)
    assert engine.requested == whole.requested - 100
    assert again.findings == whole.findings
    engine = Remembering(_file(rows))
    assert _probed(tmp_path / "b", engine, rows).findings == whole.findings
    assert engine.requested == 0


def test_a_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    _probed(tmp_path, Remembering(), _rows())
    with pytest.raises(RunFolderError, match=r"holds another probe \(model.memory differ\)"):
        _probed(tmp_path, Remembering("something"), _rows())


def test_names_are_exchanged_for_others_of_the_set_and_nothing_else_changes() -> None:
    texts = ["Mia gives Tom 3 pens. Then Mia has 2.", "Ana has 5.", "Eva and Paul have 7.", "On Monday May has 4."]
    names = Names(texts)
    changed = names.exchanged(texts[0], "1")
    assert changed is not None
    words, before = changed.split(), texts[0].split()
    assert [b for w, b in zip(words, before, strict=True) if w != b] == ["Mia", "Tom", "Mia"]
    assert words[0] == words[6]
    assert words[0] in ("Ana", "Eva")
    assert words[2] == "Paul"
    assert names.exchanged("Nobody has 4.", "1") is None


def test_contaminated_is_said_only_of_an_order_test_below_the_level_with_a_silent_control() -> None:
    def word(test: str, p: float, control: float, refused: str = "") -> str:
        one = ProbeFinding("t", test, 5, 0.1, 0.1, p, p, control, refused)  # type: ignore[arg-type]
        return probe_table([one], PROBE_LEVEL).rows[0].cells[-1]

    assert word(ORDER, 0.001, 0.5) == "contaminated"
    assert word(ORDER, 0.02, 0.5) == "no evidence"
    assert word(ORDER, 0.001, 0.001) == "no reading"
    assert word(BY_HEART, 0.001, 0.5) == "known by heart"
    assert word(ORDER, 0.001, 0.5, "sorted") == "not tested"


def test_the_calibration_shows_effects_and_which_of_them_would_have_been_missed_here() -> None:
    order = ProbeFinding("t", ORDER, 60, 0.02, 0.5, 0.3, 0.6, 0.4)
    shown, missed = calibration_lines([order])
    assert "5: 8 of 10, +0.157 nats; 20: 20 of 20, +0.819 nats" in shown
    assert missed == "t, order: too small to be found here with 80 % power: the effects there of 1, 5 copies."
    (_, missed) = calibration_lines([replace(order, least=0.9)])
    assert "1, 5, 20 copies" in missed
    assert len(calibration_lines([replace(order, p_value=1e-5, p_adjusted=1e-5)])) == 1
    assert calibration_lines([ProbeFinding("t", ORDER, 0, refused="sorted")]) == []


def test_the_control_of_the_order_test_is_no_unseen_data() -> None:
    (_, line, *_) = probe_table([ProbeFinding("t", ORDER, 5, 0.1, 0.1, 0.3, 0.3, 0.5)], PROBE_LEVEL).notes
    assert "the same rows in an order drawn here" in line and "re-phrasings" not in line
