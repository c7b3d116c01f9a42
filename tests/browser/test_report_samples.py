"""The samples of the report in a browser: filters against the records, keys, links, marks, hostile texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.claims.runs import Given
from harness.datatypes import Completion, GenerateRequest, Record, Score, TextPrompt
from harness.html_report import records as embedding
from harness.html_report.writing import write_report
from harness.report.visible import visible
from harness.store import journal
from harness.store.run_folder import RECORDS, read_run

TASK = "sums"
HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<!-- <script> -->",
    "<img src=x onerror=alert(3)><svg onload=alert(4)><circle/></svg>",
    "left \u202eright\u202c \u200fmarks",
    "\x1b[31mred\x1b]8;;http://example.com\x07link",
    "NUL \x00 and a lone \ud83d surrogate",
    "{{ 7 * 7 }} &lt;b&gt; ${alert(5)} \u2028 line",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A run folder like a real one, its records replaced: `made(name, change)`, change(record, place) -> record."""
    home = tmp_path_factory.mktemp("runs")
    first = home / "first"
    harness.evaluate(model="demo-smaller", tasks=["demo_math"], limit=12, out=str(first))

    def copy(name: str, change: Callable[[Record, int], Record]) -> Path:
        folder = home / name
        folder.mkdir()
        manifest = json.loads((first / "manifest.json").read_text())
        manifest["config"]["model"]["name"] = name
        # The scores of a finished run are read from its file; these are of other records
        manifest["status"] = "interrupted"
        (folder / "manifest.json").write_text(json.dumps(manifest))
        _, found = read_run(first)
        (folder / RECORDS).write_bytes(b"".join(journal.encode(change(one, i)) for i, one in enumerate(found)))
        return folder

    return copy


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two demo runs."""
    home = tmp_path_factory.mktemp("demo")
    for name in ("demo-smaller", "demo-larger"):
        harness.evaluate(model=name, suite="demo", out=str(home / name))
    return home / "demo-smaller", home / "demo-larger"


@pytest.fixture(scope="module")
def demo_report(demo: tuple[Path, Path]) -> Path:
    return write_report(demo[0].parent / "demo.html", Given(demo))


def shown(page: Any) -> int:
    """How many samples the page says it shows."""
    return int(page.locator("#count").inner_text().split(" of ")[0].replace(",", ""))


def first_values(folder: Path) -> dict[tuple[str, str], Record]:
    return {(one.request.task, one.request.sample_id): one for one in read_run(folder)[1]}


def answered(record: Record, text: str, value: float = 0.0, answer: str | None = None, **changes: Any) -> Record:
    """The record with another completion, and one score."""
    assert isinstance(record.reply, Completion)
    return replace(
        record,
        reply=replace(record.reply, text=text, **changes),
        scores=(Score("exact_match", value, answer, "a reason"),),
    )


def asked(record: Record, text: str) -> Record:
    """The record with another prompt."""
    assert isinstance(record.request, GenerateRequest)
    return replace(record, request=replace(record.request, prompt=TextPrompt(text)))


def test_filters_show_what_the_records_say(demo, demo_report, open_report):
    a, b = (first_values(folder) for folder in demo)
    right = {key: (a[key].scores[0].value == 1, b[key].scores[0].value == 1) for key in a}
    page = open_report(demo_report, hash="#samples?")
    assert shown(page) == len(a)
    for choice, wanted in [
        ("only-a", lambda mine: mine == (True, False)),
        ("only-b", lambda mine: mine == (False, True)),
        ("differ", lambda mine: mine[0] != mine[1]),
        ("right", all),
        ("lost", lambda mine: not any(mine)),
    ]:
        page.select_option("[name=show]", choice)
        assert shown(page) == sum(map(wanted, right.values())), choice
    page.select_option("[name=show]", "")
    failures = [
        {key for key, one in run.items() if one.scores[0].failure and one.scores[0].failure.kind == "failed"}
        for run in (a, b)
    ]
    page.select_option("[name=with]", "execute/failed")
    assert shown(page) == len(failures[0] | failures[1])
    page.select_option("[name=in]", "1")
    assert shown(page) == len(failures[1])
    page.select_option("[name=with]", "")
    page.select_option("[name=task]", "1")
    assert shown(page) == sum(key[0] == "demo_code" for key in a)


def test_search_looks_through_prompts_and_answers(demo, demo_report, open_report):
    a, b = (first_values(folder) for folder in demo)
    page = open_report(demo_report, hash="#samples?")
    for words in ("CARDS", "reverse", "return phrase", "no such words"):
        page.fill("[name=q]", words)

        def has(record: Record, words: str = words) -> bool:
            texts = [*(turn.content for turn in record.request.prompt.messages), record.reply.text]
            return any(words.lower() in text.lower() for text in texts)

        assert shown(page) == sum(has(a[key]) or has(b[key]) for key in a), words


def test_a_large_run_of_real_answers_filters_right(tmp_path, shared, mirror, open_report):
    runs = []
    for name in ("openai-6b_finetuning", "openai-175b_verification"):
        runs.append(tmp_path / name)
        completions = shared / "recorded" / f"gsm8k.{name}.jsonl.gz"
        harness.evaluate(
            engine="scripted",
            completions=str(completions),
            tasks=["gsm8k"],
            mirror=str(mirror),
            limit=300,
            out=str(runs[-1]),
        )
    a, b = (first_values(run) for run in runs)
    page = open_report(write_report(tmp_path / "r.html", Given(tuple(runs))), hash="#samples?scorer=numeric")

    def numeric(record: Record) -> float | None:
        return next(score.value for score in record.scores if score.scorer == "numeric")

    page.select_option("[name=show]", "only-b")
    expected = sum(numeric(a[key]) != 1 and numeric(b[key]) == 1 for key in a)
    assert shown(page) == expected > 0
    page.select_option("[name=show]", "differ")
    assert shown(page) == sum(numeric(a[key]) != numeric(b[key]) for key in a)
    # By the first scorer almost nothing has an answer
    page.select_option("[name=show]", "")
    page.select_option("[name=scorer]", "")
    page.select_option("[name=with]", "unread")
    assert shown(page) == sum(any(one[key].scores[0].detail.get("gold_present") for one in (a, b)) for key in a)


def test_a_sample_opens_and_is_left_by_keys_alone(demo_report, open_report):
    page = open_report(demo_report, hash="#samples?")
    page.keyboard.press("/")
    page.keyboard.type("cards")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.press("Tab")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    second = page.evaluate("document.activeElement.textContent")
    assert second == page.locator("#rows .open").nth(1).inner_text()
    page.keyboard.press("Enter")
    assert second in page.locator("#sample-title").inner_text()
    page.keyboard.press("n")
    third = page.locator("#rows .open").nth(2).text_content()
    assert third in page.locator("#sample-title").inner_text()
    assert page.evaluate("document.querySelector('#sample').contains(document.activeElement)")
    page.keyboard.press("p")
    page.keyboard.press("n")
    page.keyboard.press("Escape")
    page.wait_for_function("!location.hash.includes('open=')")
    assert not page.locator("#sample").is_visible()
    assert page.evaluate("document.activeElement.textContent") == third
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()


def test_rows_go_on_over_pages(demo_report, open_report):
    page = open_report(demo_report, hash="#samples?")
    first, last = page.locator("#rows .open").first, page.locator("#rows .open").last
    name = last.inner_text()
    last.focus()
    page.keyboard.press("j")
    assert page.locator("#page").inner_text().startswith("Page 2 ")
    assert page.evaluate("document.activeElement.textContent") == first.inner_text()
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.textContent") == name


def test_a_link_opens_what_its_sender_saw(demo_report, open_report):
    page = open_report(demo_report, hash="#samples?")
    page.select_option("[name=task]", "1")
    page.select_option("[name=show]", "lost")
    page.locator("th[data-column=sample] button").click()
    page.locator("th[data-column=sample] button").click()
    page.locator("#rows .open").nth(1).click()
    title, place, url = page.locator("#sample-title").inner_text(), page.locator("#sample-place").inner_text(), page.url
    other = open_report(demo_report, hash="#" + url.partition("#")[2])
    assert other.locator("#sample-title").inner_text() == title
    assert other.locator("#sample-place").inner_text() == place
    assert other.locator("[name=show]").input_value() == "lost"
    assert other.locator("th[data-column=sample]").get_attribute("aria-sort") == "descending"
    page.go_back()
    assert not page.locator("#sample").is_visible()
    page.go_forward()
    assert page.locator("#sample-title").inner_text() == title


@pytest.mark.parametrize(
    "hash", ["#samples?show=nonsense&page=x&a=99&open=none", "#samples?sort=-9&task=99", "#samples"]
)
def test_a_damaged_link_shows_all(demo_report, open_report, hash):
    page = open_report(demo_report, hash=hash)
    assert shown(page) == 160


def test_what_was_extracted_and_what_differs_is_marked(made, tmp_path, open_report):
    a = made("marks-a", lambda one, _: answered(one, "First 18 of 118 eggs.\nSo the answer is 18, not 1,018.", 1, "18"))
    b = made("marks-b", lambda one, _: answered(one, "First 18 of 118 hens.\nSo the answer is nine.", 0, "9"))
    page = open_report(write_report(tmp_path / "r.html", Given((a, b))), hash="#samples?")
    page.locator("#rows .open").first.click()
    left, right = page.locator("#sample .answer").all()
    assert left.locator("mark.taken").all_inner_texts() == ["18"]
    assert left.inner_text().index("18, not") == left.evaluate(
        "e => { const m = e.querySelector('.taken'), r = document.createRange(); r.setStart(e, 0); r.setEndBefore(m);"
        " return r.toString().length }"
    )
    assert left.locator("mark.differs").all_inner_texts() == ["eggs", "18", ", not 1,018"]
    assert right.locator("mark.differs").all_inner_texts() == ["hens", "nine"]
    # It is not in the answer, so it is beside it
    assert right.locator("mark.taken").count() == 0
    assert "extracted: 9" in page.locator("#sample article").nth(1).inner_text()


def test_hostile_texts_are_shown_as_text(made, tmp_path, open_report):
    texts = [*HOSTILE, "long " + "x" * 1_000_000 + " end", "\n".join(HOSTILE)]

    def change(record: Record, place: int) -> Record:
        text = texts[place % len(texts)]
        return asked(answered(record, text, 0, text), f"prompt {place} {text}")

    run = made("hostile <b>&\u202e", change)
    page = open_report(write_report(tmp_path / "r.html", Given((run,))), hash="#samples?")
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    _, found = read_run(run)
    for place, record in enumerate(found[: len(texts)]):
        page.evaluate(
            "name => { location.hash = `#samples?open=${encodeURIComponent(name)}` }",
            f"demo_math/{record.request.sample_id}/0",
        )
        page.wait_for_function(
            "name => document.querySelector('#sample-title').textContent.endsWith(name)", arg=record.request.sample_id
        )
        answer = page.locator("#sample .answer").evaluate("e => e.textContent")
        assert answer == embedding.cut(texts[place])
        assert page.locator("#sample .prompt pre").first.evaluate("e => e.textContent") == embedding.cut(
            f"prompt {place} {texts[place]}"
        )
    assert "999,990" not in page.content() and "characters left out" in page.content()
    assert embedding.cut(HOSTILE[5]) == visible(HOSTILE[5])
    assert not page.locator("#sample :is(script, img, svg, a)").count()
    assert not dialogs


def test_a_large_block_is_compressed_and_reads_the_same(demo, tmp_path, open_report, monkeypatch):
    plain = open_report(write_report(tmp_path / "plain.html", Given(demo)), hash="#samples?q=cards")
    monkeypatch.setattr(embedding, "PLAIN", 1000)
    file = write_report(tmp_path / "packed.html", Given(demo))
    assert "Ben has 12 cards" not in file.read_text()
    packed = open_report(file, hash="#samples?q=cards")
    packed.wait_for_selector("#rows .open")
    assert packed.locator("#rows").inner_text() == plain.locator("#rows").inner_text()


def test_without_javascript_the_page_says_so_and_shows_its_tables(demo_report, open_report):
    page = open_report(demo_report, java_script_enabled=False)
    assert "need JavaScript" in page.locator("#samples noscript").inner_text()
    assert page.locator("#scores table").count() == 3
    assert not page.locator("#browser").is_visible()


def test_samples_fit_a_telephone(demo_report, open_report):
    page = open_report(demo_report, width=360, hash="#samples?open=demo_code/code-025/0")
    right = page.evaluate(
        "Math.max(...[...document.querySelectorAll('#browser > *, #sample, #sample *')]"
        ".map((e) => e.getBoundingClientRect().right))"
    )
    assert right <= 360
    first, second = (page.locator("#sample article").nth(i).bounding_box() for i in (0, 1))
    assert second["y"] > first["y"] + first["height"] - 1


def test_a_table_of_the_page_sorts_by_its_headings(demo_report, tmp_path, open_report):
    heads = '<th data-sort="text">Name</th><th data-sort="number">n</th>'
    cells = [("b10", "3", "3 %"), ("b9", "", "-"), ("a", "20", "20 %")]
    rows = "".join(f'<tr><td>{name}</td><td data-value="{value}">{words}</td></tr>' for name, value, words in cells)
    table = f'<table id="t"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    file = tmp_path / "t.html"
    file.write_text(demo_report.read_text().replace("</main>", table + "</main>"))
    page = open_report(file)

    def names() -> list[str]:
        return page.locator("#t tbody td:first-child").all_inner_texts()

    page.locator("#t th button").first.press("Enter")
    assert names() == ["a", "b9", "b10"]
    assert page.locator("#t th").first.get_attribute("aria-sort") == "ascending"
    page.locator("#t th button").nth(1).click()
    assert names() == ["a", "b10", "b9"]
    page.locator("#t th button").nth(1).click()
    assert names() == ["b10", "a", "b9"]
    assert page.locator("#t th").first.get_attribute("aria-sort") is None


def test_without_records_there_are_no_samples_and_the_page_is_small(demo, tmp_path):
    file = write_report(tmp_path / "r.html", Given(demo), with_records=False)
    assert file.stat().st_size < 200_000
    assert 'id="samples"' not in file.read_text()
