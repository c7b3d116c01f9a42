"""Claim pages: their keys, and every shipped page."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.claims.page import KIND, claim_page, find_claims
from harness.config import pages
from harness.errors import ConfigError, UnknownName

PAGE = """\
name: mine
about: A sentence of my own.
claims:
  - id: mine-90
    quote: "90 %"
    reading: "at least 90 % on HumanEval"
    source: {url: "https://example.org", kind: press}
    subject: {model: big-model}
    test: {metric: pass@1, tasks: [humaneval]}
    relation: ">="
    threshold: 0.9
"""


def write(folder: Path, text: str) -> str:
    (folder / "mine.yaml").write_text(text, encoding="utf-8")
    return str(folder / "mine.yaml")


def test_one_claim_without_a_list_of_claims_is_one_line(tmp_path: Path):
    head, claim = PAGE.split("claims:\n  - ")
    with pytest.raises(ConfigError) as caught:
        claim_page(write(tmp_path, head + claim.replace("\n    ", "\n")))
    said = str(caught.value)
    assert said.count("\n") == 0 and "mine.yaml:3" in said and "put them under `claims: [...]`" in said


def test_the_whole_page_in_the_documentation_is_one(tmp_path: Path):
    text = (Path(__file__).parents[3] / "docs" / "claims.md").read_text(encoding="utf-8")
    (page,) = [part.split("```")[0] for part in text.split("```yaml\n")[1:]]
    found = claim_page(write(tmp_path, page))[0]
    assert [claim.id for claim in found.claims] == ["mine-90"]


def test_every_shipped_page_holds_and_ids_are_unlike():
    ids = [claim.id for stem in pages.index(KIND) for claim in claim_page(stem)[0].claims]
    assert len(ids) == len(set(ids)) >= 18
    assert not set(ids) & set(pages.index(KIND)) - {"o3-frontiermath", "llama-4-maverick-arena"}


def test_every_shipped_number_says_who_printed_it_and_is_a_share_of_its_items():
    for stem in pages.index(KIND):
        for claim in claim_page(stem)[0].claims:
            for row in claim.published:
                assert row.who and row.source, claim.id
                assert row.n is None or 0 <= row.value <= 1, claim.id


def test_the_seed_article_is_there_sentence_by_sentence():
    claims = claim_page("deepseek-v4-press")[0].claims
    quotes = " ".join(claim.quote for claim in claims)
    for words in ("GPT-4o", "creative writing", "multilingual", "nearly 90%", "60%", "40 languages", "Hugging Face"):
        assert words in quotes
    assert {"MLA", "MoE"} <= {word.strip("()") for word in quotes.split()}
    # What the text leaves open is marked
    assert all(claim.assumed for claim in claims if claim.test.tasks)


def test_a_claim_is_found_by_its_id_its_page_or_its_file(tmp_path: Path):
    assert [claim.id for claim, _ in find_claims("dsv4-mla")] == ["dsv4-mla"]
    assert len(find_claims("deepseek-v4-press")) == 12
    file = write(tmp_path, PAGE)
    assert [claim.id for claim, _ in find_claims(file)] == ["mine-90"]
    assert [claim.id for claim, _ in find_claims(f"{file}:mine-90")] == ["mine-90"]
    with pytest.raises(UnknownName, match="did you mean 'dsv4-mla'"):
        find_claims("dsv4-mlaa")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    threshold: 0.9", "    treshold: 0.9", r"mine.yaml:11: unknown key 'treshold'.*did you mean 'threshold'"),
        ("    threshold: 0.9\n", "", r"mine.yaml:4: .*give `threshold` or `comparators`"),
        ("tasks: [humaneval]", "tasks: []", r"mine.yaml:4: .*needs `test: {metric: ..., tasks: \[...\]}`"),
        ('relation: ">="', "relation: beats", r"mine.yaml:10: claims.0.relation: .*'beats'"),
        ('relation: ">="', "relation: within", r"needs comparators"),
        ("name: mine", "name: yours", r"mine.yaml:1: name is 'yours', but the file is mine.yaml"),
    ],
)
def test_a_page_that_does_not_hold_is_refused_with_its_line(tmp_path: Path, old: str, new: str, message: str):
    with pytest.raises(ConfigError, match=message):
        claim_page(write(tmp_path, PAGE.replace(old, new)))
