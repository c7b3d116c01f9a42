"""The journal gives back what was put in, whatever the text, and survives being cut anywhere."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.datatypes import (
    RECORD_SCHEMA,
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
    RollingRequest,
    Sampling,
    Score,
    TextPrompt,
)
from harness.errors import StorageError
from harness.store import journal
from harness.store.codec import decode, encode

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def generated(text: str, key: str = "k") -> Record:
    request = GenerateRequest(key, "t", "s", 0, TextPrompt(text), Sampling(5, stop=("\n", text)))
    reply = Completion(key, text, "stop", 3, 2, token_logprobs=(-0.5, -math.inf))
    return Record(RECORD_SCHEMA, "run", request, reply, (Score("exact", 1.0, answer=text, detail={"x": [1, text]}),))


@given(TEXT)
def test_a_record_comes_back_as_it_went_in(text):
    chat = ChatPrompt((Message("system", text), Message("user", "?")), prefill=text)
    request = LikelihoodRequest("k", "t", "s", 0, chat, (text, "b"))
    score = ContinuationScore(-1.5, 2, len(text), 4, True)
    likelihood = Record(RECORD_SCHEMA, "run", request, Likelihood("k", (score, score)), (), "group", 12.5)
    fault = Failure("engine", "refused", text, ours=True)
    refused = Record(RECORD_SCHEMA, "run", request, Refusal("k", fault), (Score("exact", None, failure=fault),))
    rolling = Record(RECORD_SCHEMA, "run", RollingRequest("k", "t", "s", 0, TextPrompt(""), text), likelihood.reply, ())
    for record in (generated(text), likelihood, rolling, refused):
        line = encode(record)
        assert line.count(b"\n") == 1
        assert decode(line) == record


def test_lone_surrogates_do_not_break_a_run(tmp_path):
    record = generated("half a \ud83d pair")
    book = journal.Journal(tmp_path / "records.jsonl")
    book.append(record)
    book.close()
    assert len(journal.read(tmp_path / "records.jsonl")) == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=5), st.data())
def test_cut_anywhere_the_whole_records_before_the_cut_remain(tmp_path_factory, texts, data):
    path = tmp_path_factory.mktemp("journal") / "records.jsonl"
    book = journal.Journal(path)
    for number, text in enumerate(texts):
        book.append(generated(text, str(number)))
    book.close()
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    whole = content[:cut].count(b"\n")
    assert [record.request.key for record in journal.read(path)] == [str(n) for n in range(whole)]
    again = journal.Journal(path)
    again.append(generated("after", "after"))
    again.close()
    assert [record.request.key for record in journal.read(path)] == [*(str(n) for n in range(whole)), "after"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_clear_error(tmp_path, monkeypatch):
    book = journal.Journal(tmp_path / "records.jsonl")
    full = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr(book, "_file", full)
    with pytest.raises(StorageError, match=r"No space left.*same command again"):
        book.append(generated("x"))
    os.close(full)
