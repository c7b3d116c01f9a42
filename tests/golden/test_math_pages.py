"""Pages of mathematics on the data that they are about: right answers score 1 where they are hardest to read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from files import write_jsonl

from harness.catalog import Binder, Task
from harness.config import pages
from harness.data.rows import Loader
from harness.datatypes import Completion, GenerateRequest, LikelihoodRequest, TextPrompt
from harness.errors import DataError
from harness.execution.base import Limits
from harness.page_scorers import page_scorers
from harness.scoring.golds import gold_fault
from harness.scoring.services import Services

LANGUAGES = ["bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh"]
SEVERAL_BOXES = "{{ solution.count('boxed{') > 1 }}"


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    services = Services("auto", Limits())
    yield services
    services.close()


def bound(name: str, data: Path, services: Services, limit: int | None = None, **settings: Any) -> Task:
    """A page bound in text style; keys of `settings` are written with two underscores for a point."""
    values = {key.replace("__", "."): value for key, value in settings.items()}
    page, source = pages.task_page(name, ("the test", values))
    return Binder(Loader(data), "text", limit).bind(page, source, page_scorers(page, source, services.tools()))


def scores(task: Task, number: int, text: str) -> dict[str, float | None]:
    request = task.requests[number]
    sample = task.sample_of()[request.sample_id]
    return {
        by.name: by.score(sample, request.prompt, Completion(request.key, text, "eos")).value for by in task.scorers
    }


def text_of(task: Task, number: int) -> str:
    prompt = task.requests[number].prompt
    assert isinstance(prompt, TextPrompt)
    return prompt.text


@pytest.mark.parametrize(
    ("name", "settings", "count"),
    [
        ("gsm_plus", {"data__where": "{{ '/' in answer or answer == 'None' }}"}, 307),
        ("gsm_plus_mini", {"data__where": "{{ '/' in answer or answer == 'None' }}"}, 307),
        ("asdiv_cot_llama", {"data__where": "{{ not answer.split(' (')[0].isdigit() }}"}, None),
        ("minerva_math", {"data__where": SEVERAL_BOXES}, None),
        ("minerva_math500", {"data__where": SEVERAL_BOXES}, None),
        ("leaderboard_math_hard", {"data__where": SEVERAL_BOXES}, None),
        ("hendrycks_math_boxed", {"data__where": SEVERAL_BOXES}, None),
        ("cmath", {"data__where": "{{ '/' in answer }}"}, None),
        ("aqua", {}, 254),
        ("hmmt_feb_2025", {"repeats": 1, "metric": ["mean"]}, 30),
        ("gsm_hard", {"data__where": "{{ target | string | length > 12 }}"}, None),
        ("svamp", {}, 1000),
    ],
)
def test_right_answers_of_unusual_form_score_1_under_every_scorer(
    name: str, settings: dict[str, Any], count: int | None, mirror: Path, services: Services
) -> None:
    task = bound(name, mirror, services, **({"expected_count": None} | settings))
    samples = task.sample_of()
    faults = [gold_fault(task.scorers, samples[request.sample_id], request) for request in task.requests]
    assert [fault for fault in faults if fault] == []
    assert len(faults) == count if count else faults


@pytest.mark.parametrize("name", ["mgsm_direct", "mgsm_native_cot", "mgsm_en_cot"])
def test_mgsm_has_the_words_of_each_language(name: str, mirror: Path, services: Services) -> None:
    marks = set()
    for language in LANGUAGES:
        task = bound(name, mirror, services, 3, data__name=language)
        for number, request in enumerate(task.requests):
            assert gold_fault(task.scorers, task.samples[number], request) is None
            assert isinstance(request, GenerateRequest)
            # What begins the next question ends the answer
            mark = request.sampling.stop[0]
            assert text_of(task, number).startswith(mark)
            marks.add(mark)
    assert len(marks) == len(LANGUAGES)


def test_mgsm_answers_in_digits_of_their_own_script_are_read(mirror: Path, services: Services) -> None:
    said = {"bn": "উত্তর হল ১৮।", "te": "సమాధానం ౧౮.", "th": "คำตอบคือ ๑๘", "ja": "答えは１８です。", "zh": "答案是１８。"}
    for language, text in said.items():
        task = bound("mgsm_native_cot", mirror, services, 1, data__name=language)
        assert scores(task, 0, text)["numeric"] == 1, language


def test_mgsm_strict_wants_the_sentence_in_the_language_of_the_question(mirror: Path, services: Services) -> None:
    # As lm-evaluation-harness 0.4.13 scores them, run on the same completions
    french = bound("mgsm_native_cot", mirror, services, 1, data__name="fr")
    bengali = bound("mgsm_native_cot", mirror, services, 1, data__name="bn")
    direct = bound("mgsm_direct", mirror, services, 1)
    assert scores(french, 0, "La réponse est 18.")["strict"] == 1
    assert scores(french, 0, "The answer is 18.")["strict"] == 0
    assert scores(bengali, 0, "The answer is 18.")["strict"] == 1
    assert scores(direct, 0, " 18.\n")["whole"] == 1
    assert scores(direct, 0, "#### 18")["whole"] == 0


def test_the_examples_of_mgsm_come_from_its_training_rows(mirror: Path, services: Services, tmp_path: Path) -> None:
    exemplars = json.loads((mirror / "juletxara/mgsm/exemplars.json").read_text(encoding="utf-8"))
    for language in ("de", "zh"):
        folder = tmp_path / "juletxara/mgsm" / language
        folder.mkdir(parents=True)
        shutil.copy(mirror / "juletxara/mgsm" / language / "test.jsonl", folder)
        pairs = zip(exemplars["exemplars"][language].values(), exemplars["exemplar_number_answers"], strict=True)
        rows = [{"question": pair["q"], "answer": pair["a"], "answer_number": number} for pair, number in pairs]
        write_jsonl(folder / "train.jsonl", rows)
        task = bound("mgsm_native_cot", tmp_path, services, 1, data__name=language, fewshot__count=8)
        cue = {"de": "Schritt-für-Schritt-Antwort:", "zh": "逐步解答:"}[language]
        blocks = text_of(task, 0).split("\n\n")
        assert len(blocks) == 9
        assert all(block.count("\n") == 1 and block.count(cue) == 1 for block in blocks)
        # The word that begins the row's answer is not written twice
        assert not any(block.count(cue[:-1]) > 1 for block in blocks)


def test_strict_scores_of_gsm8k_want_the_form_of_the_examples(mirror: Path, services: Services) -> None:
    task = bound("gsm8k_cot", mirror, services, 1)
    # Their pattern wants a sign behind the number, and takes the first such sentence
    assert scores(task, 0, "The answer is 18.") == {"strict": 1, "flexible": 1, "numeric": 1}
    assert scores(task, 0, "The answer is 18")["strict"] == 0
    assert scores(task, 0, "The answer is 7. No: The answer is 18.") == {"strict": 0, "flexible": 1, "numeric": 1}
    assert scores(task, 0, "It is 18 $.")["flexible"] == 0


def test_options_of_aqua_are_shown_without_the_letters_of_the_data(mirror: Path, services: Services) -> None:
    task = bound("aqua", mirror, services, 1)
    assert text_of(task, 0).endswith("(a) 5(√3 + 1) (b) 6(√3 + √2) (c) 7(√3 – 1) (d) 8(√3 – 2) (e) None of these\nA:")


def mathqa_row(options: str, correct: str = "a") -> dict[str, str]:
    return {"Problem": "a train runs 60 km in 2 hours ; its speed ?", "options": options, "correct": correct}


def test_mathqa_reads_five_options_from_one_text(services: Services, tmp_path: Path) -> None:
    folder = tmp_path / "regisss/math_qa"
    folder.mkdir(parents=True)
    row = mathqa_row("a ) rs . 1,300 , b ) 30 km / h , c ) 12.5 % , d ) 3 / 4 , e ) none of these", "b")
    write_jsonl(folder / "test.jsonl", [row])
    task = bound("mathqa", tmp_path, services, expected_count=1)
    request = task.requests[0]
    assert isinstance(request, LikelihoodRequest)
    # What lm-evaluation-harness 0.4.13 makes of this row
    assert request.continuations == (" rs . 1,300", " 30 km / h", " 12.5 %", " 3 / 4", " none of these")
    assert gold_fault(task.scorers, task.samples[0], request) is None
    write_jsonl(folder / "test.jsonl", [mathqa_row("a ) 1 , b ) 2 , c ) 3 , d ) 4")])
    with pytest.raises(DataError, match="3 options are read"):
        bound("mathqa", tmp_path, services, expected_count=1)


def test_arithmetic_is_written_as_questions_and_asks_for_the_blank_before_the_result(
    services: Services, tmp_path: Path
) -> None:
    folder = tmp_path / "EleutherAI/arithmetic/arithmetic_1dc"
    folder.mkdir(parents=True)
    write_jsonl(folder / "validation.jsonl", [{"context": "\n\nQ: What is (9 + 8) * 2?\n\nA:", "completion": " 34"}])
    task = bound("arithmetic_1dc", tmp_path, services, expected_count=1)
    assert text_of(task, 0) == "Question: What is (9 + 8) * 2?\nAnswer:"
    request = task.requests[0]
    assert isinstance(request, LikelihoodRequest) and request.continuations == (" 34",)
