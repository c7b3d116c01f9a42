"""What the HTML report embeds of records: texts visible and cut, prompts once, a block that fits, the right rows."""

from __future__ import annotations

import base64
import gzip
import json
import random
from dataclasses import replace
from typing import Any

import pytest

from harness.datatypes import (
    ChatPrompt,
    Completion,
    ContinuationScore,
    Failure,
    GenerateRequest,
    Likelihood,
    LikelihoodRequest,
    Message,
    Record,
    Refusal,
    Sampling,
    Score,
    TextPrompt,
)
from harness.html_report import records as embedding
from harness.html_report.places import answer_place, answer_start, utf16
from harness.html_report.records import Block, cut
from harness.html_report.rows import Row, by_interest
from harness.report.visible import visible


def record(sample: str = "1", value: float | None = 1.0, text: str = "18", prompt: str = "a\n\nb") -> Record:
    """A generated answer with one score."""
    request = GenerateRequest(f"key-{sample}", "sums", sample, 0, TextPrompt(prompt), Sampling(8))
    failure = Failure("score", "broken", "a fault", ours=True) if value is None else None
    return Record(
        1, "run", request, Completion(request.key, text, "eos"), (Score("exact", value, text, "why", failure),)
    )


def row(*cells: Record | None, order: int = 0) -> Row:
    """A row of these records."""
    first = next(cell for cell in cells if cell is not None)
    return Row(order, first.request.task, first.request.sample_id, 0, cells)


def embedded(*rows: Row) -> list[Any]:
    """The rows of a block, as the browser reads them."""
    block = Block({})
    for one in rows:
        block.add(one, one.cells, ["sums"])
    content, compressed = block.finish()
    found: list[Any] = json.loads(gzip.decompress(base64.b64decode(content)) if compressed else content)
    return found[1:]


def test_a_paragraph_of_prompts_is_embedded_once():
    shots = "Q: one\n\nQ: two\n\n"
    rows = embedded(row(record("1", prompt=shots + "Q: x")), row(record("2", prompt=shots + "Q: y")))
    paragraphs = [text for one in rows for text in one.get("new", [])]
    assert paragraphs == ["Q: one\n\n", "Q: two\n\n", "Q: x", "Q: y"]
    texts = ["".join(paragraphs[number] for number in one["prompts"][0][0][1]) for one in rows]
    assert texts == [shots + "Q: x", shots + "Q: y"]


def test_a_prompt_that_runs_share_is_there_once_and_another_beside_it():
    same, other = embedded(row(record(), record()), row(record(), record(prompt="c")))
    assert [len(one["prompts"]) for one in (same, other)] == [1, 2]
    assert [cell.get("prompt", 0) for cell in other["cells"]] == [0, 1]


@pytest.mark.parametrize("text", ["</script><!-- <script>", "\ud83d \x00 \x1b[31m \u202e \u2028", "\U0001f600 é"])
def test_any_text_survives_the_page_and_is_visible(text):
    block = Block({})
    block.add(row(record(text=text, prompt=text)), [record(text=text, prompt=text)], ["sums"])
    content, _ = block.finish()
    assert "<" not in content
    assert json.loads(content.encode("utf-8"))[1]["cells"][0]["text"] == visible(text)


def test_the_middle_of_a_long_text_is_left_out_and_counted():
    text = "a" * 30_000 + "b" * 30_000
    shown = cut(text)
    assert shown.startswith("a" * 10_000) and shown.endswith("b" * 10_000)
    assert "[... 40,000 characters left out ...]" in shown


def test_a_block_is_full_at_its_budget(monkeypatch):
    monkeypatch.setattr(embedding, "BUDGET", 20_000)
    block, rng, added = Block({}), random.Random(0), 0
    while not block.is_full:
        block.add(row(record(text=rng.randbytes(500).hex())), [record(text=rng.randbytes(500).hex())], ["sums"])
        added += 1
        assert added < 1000
    # The browser gets what gzip wrote, and no more than the budget and what the compressor still held
    monkeypatch.setattr(embedding, "PLAIN", 0)
    content, compressed = block.finish()
    assert compressed and 20_000 < len(base64.b64decode(content)) < 120_000
    assert len(json.loads(gzip.decompress(base64.b64decode(content)))) == added + 1


def test_a_likelihood_shows_the_chosen_and_the_right_option():
    request = LikelihoodRequest("key", "sums", "1", 0, TextPrompt("q"), (" a", " b"))
    scored = tuple(ContinuationScore(value, 1, 2, 2, False) for value in (-1.5, -0.25))
    score = Score("choice", 0.0, "b", "chose option 1, right is 0", detail={"chosen": 1})
    [found] = embedded(row(Record(1, "run", request, Likelihood("key", scored), (score,))))
    assert found["cells"][0]["options"] == [[" a", "-1.500", "right"], [" b", "-0.250", "chosen"]]


def test_a_chat_keeps_its_roles_and_says_what_is_not_kept():
    messages = (Message("system", "be brief"), Message("user", "q"))
    chat = record()
    chat = replace(chat, request=replace(chat.request, prompt=ChatPrompt(messages, prefill="A:")))
    [found] = embedded(row(chat))
    assert [turn[0] for turn in found["prompts"][0]] == ["system", "user", "assistant begins with"]
    assert any("chat template" in fact for fact in found["cells"][0]["facts"])


def test_a_refusal_is_unscored_with_its_reason():
    failure = Failure("engine", "timeout", "the server did not answer", ours=True)
    refused = replace(record(), reply=Refusal("key-1", failure), scores=())
    [found] = embedded(row(refused))
    [score] = found["cells"][0]["scores"]
    assert (score["mark"], score["value"], score["failure"]) == ("unscored", None, "engine/timeout")
    assert "the server did not answer" in found["cells"][0]["facts"][0]


@pytest.mark.parametrize(
    ("answer", "text", "place"),
    [
        ("18", "18 and 118, so 18 eggs", (15, 17)),
        ("18", "18 of 1,018 or 18.5", (0, 2)),
        ("18", "it is 118", None),
        ("8", "x=18kg, 8kg", (8, 9)),
        ("1000", "so 1,000 in all", (3, 8)),
        ("yes", "eyes say yes, yesterday", (9, 12)),
        ("nine", "9", None),
        ("", "any", None),
    ],
)
def test_the_place_of_an_answer_is_its_last_whole_occurrence(answer, text, place):
    assert answer_place(answer, text) == place


def test_the_first_occurrence_where_extraction_takes_the_first():
    assert answer_place("4", "#### 4 then #### 4", first=True) == (5, 6)


def test_places_are_in_the_units_of_a_browser():
    assert utf16("\U0001f600 18", (2, 4)) == [3, 5]


@pytest.mark.parametrize(
    ("text", "answer"),
    [("<think>hm 3</think>\nIt is 4.\n", "It is 4.\n"), ("It is 4.", "It is 4."), ("<think>hm", ""), ("", "")],
)
def test_the_answer_begins_behind_its_reasoning(text, answer):
    assert text[answer_start(text) :].lstrip() == answer


def test_rows_on_which_runs_differ_come_first_then_lost_ones():
    rows = [
        row(record("1"), record("1"), order=0),
        row(record("2", 0.0), record("2", 0.0), order=1),
        row(record("3", 1.0), record("3", 0.0), order=2),
        row(record("4", None), None, order=3),
        row(record("5", 0.0), record("5", 1.0), order=4),
    ]
    places = [one.order for one in by_interest(rows)]
    assert [set(places[:2]), set(places[2:4]), places[4]] == [{2, 4}, {1, 3}, 0]
    assert places == [one.order for one in by_interest(rows)]


def test_a_journal_that_changed_meanwhile_is_one_clear_line(tmp_path, monkeypatch):
    import harness
    from harness.errors import RunFolderError
    from harness.html_report.document import Material
    from harness.html_report.reading import read_runs
    from harness.html_report.sections import samples

    harness.evaluate(model="demo-smaller", tasks=["demo_math"], limit=3, out=str(tmp_path / "run"))
    material = Material(read_runs([tmp_path / "run"]))
    (tmp_path / "run" / "records.jsonl").write_text("")
    with pytest.raises(RunFolderError, match="changed while it was read"):
        samples.build(material)
