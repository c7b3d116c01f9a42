"""Parity with lm-evaluation-harness: which differences fail the benchmark, and what is compared with what."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from files import REPO, read_jsonl, write_jsonl


@pytest.fixture
def parity(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The benchmark's modules, imported from their folder."""
    monkeypatch.syspath_prepend(str(REPO / "benchmarks"))
    from task_parity import comparison, completions, explained, kept, lm_eval_side, our_side, stand_ins, table

    return SimpleNamespace(
        comparison=comparison,
        completions=completions,
        explained=explained,
        kept=kept,
        lm_eval=lm_eval_side,
        ours=our_side,
        stand_ins=stand_ins,
        table=table,
    )


def unequal(parity: SimpleNamespace, *kinds: str) -> object:
    """The result of a page whose scores differ for completions of these kinds."""
    result = parity.comparison.Result("page", "task", style="text")
    count = result.scores["score"] = parity.comparison.Count()
    count.add(True, "gold", "")
    for kind in kinds:
        count.add(False, kind, "an example")
    return result


def test_a_difference_without_an_explanation_is_found_and_so_is_an_explanation_of_none(parity: SimpleNamespace) -> None:
    entry = {"differences": [{"aspect": "scores", "kinds": ["fence", "unit"], "why": "w", "right": "ours"}]}
    unexplained, stale = parity.explained.explanations(unequal(parity, "fence", "percent"), entry)
    assert (unexplained, stale) == (["scores (percent)"], ["scores (unit)"])


def test_a_page_is_equal_only_if_nothing_but_its_chat_differs(parity: SimpleNamespace) -> None:
    assert parity.table.status(unequal(parity)) == "equal"
    assert parity.table.status(unequal(parity, "fence")) == "differs"
    own_chat = unequal(parity)
    own_chat.chat.add(False, "task", "")  # type: ignore[attr-defined]
    assert parity.table.status(own_chat) == "equal"
    likelihoods = unequal(parity)
    likelihoods.largest = 2e-4  # type: ignore[attr-defined]
    assert parity.table.status(likelihoods) == "differs"
    missing = unequal(parity)
    missing.faults.append("no data")  # type: ignore[attr-defined]
    assert parity.table.status(missing) == "not compared"


def test_scores_are_compared_with_the_metric_of_their_name(parity: SimpleNamespace) -> None:
    theirs = ["exact_match,strict-match", "exact_match,flexible-extract"]
    found = parity.comparison.same_scores(["strict", "flexible", "numeric"], theirs, {})
    assert found == {"strict": theirs[0], "flexible": theirs[1]}
    assert parity.comparison.same_scores(["acc", "acc_norm"], ["acc_norm,none", "acc,none"], {}) == {
        "acc": "acc,none",
        "acc_norm": "acc_norm,none",
    }
    assert parity.comparison.same_scores(["unit_tests"], ["pass@1,create_test"], {}) == {
        "unit_tests": "pass@1,create_test"
    }
    # Which of two it is cannot be guessed
    assert parity.comparison.same_scores(["mine"], theirs, {}) == {}
    assert parity.comparison.same_scores(["mine", "own"], theirs, {"mine": theirs[1], "own": None}) == {
        "mine": theirs[1]
    }


def test_white_space_between_context_and_continuation_is_no_difference(parity: SimpleNamespace) -> None:
    split = parity.ours.split_as_tokenised
    assert split("Answer: ", "A") == split("Answer:", " A") == ("Answer:", " A")
    assert split("Answer:", "A") != split("Answer:", " A")
    assert split(" ", "A") == (" ", "A")


def test_a_missing_split_is_made_and_the_mirror_is_as_it_was(parity: SimpleNamespace, tmp_path: Path) -> None:
    mirror, folder = tmp_path / "mirror", tmp_path / "overlay"
    kept = write_jsonl(mirror / "allenai/ai2_arc/ARC-Easy/validation.jsonl", [{"id": "a"}])
    write_jsonl(mirror / "TIGER-Lab/MMLU-Pro/test.jsonl", [])
    folder.mkdir()
    found, made = parity.stand_ins.overlay(mirror, folder)
    assert read_jsonl(found / "allenai/ai2_arc/ARC-Easy/test.jsonl") == [{"id": "a"}]
    assert (found / "allenai/ai2_arc/ARC-Easy/validation.jsonl").samefile(kept)
    rows = read_jsonl(found / "EleutherAI/arithmetic/arithmetic_2da/validation.jsonl")
    assert all(
        eval(row["context"].split("is")[1].split("?")[0].replace("plus", "+")) == int(row["completion"]) for row in rows
    )
    assert ("EleutherAI/arithmetic", "arithmetic_2da") in made
    assert sorted(path.name for path in (mirror / "allenai/ai2_arc/ARC-Easy").iterdir()) == ["validation.jsonl"]


def test_programs_pass_as_in_the_metric_that_is_replaced(parity: SimpleNamespace) -> None:
    passes = parity.lm_eval.passes
    assert passes("def f(): return 1\n\nassert f() == 1")
    assert not passes("def f(): return 2\n\nassert f() == 1")
    assert not passes("import sys; sys.exit(0)\n\nassert False")
    assert not passes("def f(:")
    # Without a name `__main__`, as there
    assert passes("if __name__ == '__main__':\n    raise SystemExit(1)")
    assert parity.lm_eval.pass_at([True, False, False, False], 2) == pytest.approx(0.5)


def test_the_explanations_file_is_well_formed(parity: SimpleNamespace) -> None:
    known = parity.explained.read()
    assert known["pages"]
    assert all(each["why"].endswith(".") for page in known["pages"].values() for each in page.get("differences", []))


def test_kept_results_are_the_same_but_for_rows_of_data_sets(parity: SimpleNamespace, tmp_path: Path) -> None:
    result, file = unequal(parity, "fence", "fence", "unit"), tmp_path / "results.json"
    parity.kept.write(file, [result])
    assert "an example" not in file.read_text(encoding="utf-8")
    (again,) = parity.kept.read(file).values()
    assert again.differences() == result.differences()  # type: ignore[attr-defined]
    assert again.scores["score"].unequal == {"fence": 2, "unit": 1}
