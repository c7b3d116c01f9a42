"""The journal gives back what was put in, whatever the text, and survives being cut anywhere."""

from __future__ import annotations

import errno
import math
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis.estimates import estimate_task
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
    Served,
    TextPrompt,
)
from harness.errors import RunFolderError, StorageError
from harness.store import journal
from harness.store.journal import decode, encode
from harness.store.slim import slim

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
    with pytest.raises(StorageError, match=r"the disk is full.*same command again"):
        book.append(generated("x"))
    os.close(full)


def edited(record: Record, old: str, new: str) -> bytes:
    line = encode(record).decode()
    assert line.count(old) >= 1
    return line.replace(old, new, 1).encode()


SCORE = '"scorer":"exact","value":1.0'
WRONG_LINES = [
    (SCORE, '"scorer":"exact","value":7.0', "'exact' is 7, and its scorer gives 0 or 1"),
    (SCORE, '"scorer":"exact","value":0.5', "0.5"),
    (SCORE, '"scorer":"exact","value":-1', "-1"),
    (SCORE, '"scorer":"exact","value":NaN', "not a finite number"),
    (SCORE, '"scorer":"exact","value":Infinity', "not a finite number"),
    (SCORE, '"scorer":"exact","value":"1"', "not a number"),
    (SCORE, '"scorer":"exact","value":true', "not a number"),
    (SCORE, '"scorer":"exact","value":null', "has no value"),
    (SCORE, '"scorer":"exact","value":1.0,"value":0.0', "'value' is there twice"),
    ('"repeat":0', '"repeat":-1', "repeat is -1"),
    ('"repeat":0', '"repeat":"0"', "repeat is '0'"),
    ('"repeat":0', '"repeat":true', "repeat is True"),
    ('"repeat":0', '"repeat":0.0', "repeat is 0.0"),
    ('"schema":1', '"schema":9', "schema"),
    ('"failure":null', '"failure":{"stage":"score","kind":"x","message":"m","ours":true}', "though a fault"),
    ('"reply":{"key":"k"', '"reply":{"key":"other"', "reply is to another request"),
]


@pytest.mark.parametrize(("old", "new", "reason"), WRONG_LINES)
def test_what_no_run_writes_is_refused_with_file_and_line(tmp_path, old, new, reason):
    path = tmp_path / "records.jsonl"
    good = encode(generated("fine"))
    path.write_bytes(good + edited(generated("fine"), old, new))
    with pytest.raises(RunFolderError) as refused:
        list(journal.stream(path, frozenset({("t", "exact")})))
    message = str(refused.value)
    assert message.startswith(f"{path}:2: ") and reason in message and "\n" not in message


def test_graded_scores_and_a_second_try_of_a_request_are_read(tmp_path):
    path = tmp_path / "records.jsonl"
    graded = edited(generated("a"), SCORE, '"scorer":"exact","value":7.5')
    path.write_bytes(graded + encode(generated("b")))
    found = [record for _, record in journal.stream(path, frozenset({("t", "other")}))]
    assert [record.scores[0].value for record in found] == [7.5, 1.0]


def test_one_try_of_a_sample_has_one_request(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_bytes(encode(generated("a", "k")) + encode(generated("b", "another")))
    with pytest.raises(RunFolderError, match=r"records.jsonl:2: .* a second request for t: s, repeat 0"):
        list(journal.stream(path, frozenset()))


def test_records_are_found_again_at_their_places(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_bytes(b"".join(encode(generated(text, text)) for text in ("a", "é\u2028", "c")) + b'{"torn')
    places = [place for place, _ in journal.stream(path)]
    assert [record.request.key for record in journal.at(path, reversed(places))] == ["c", "é\u2028", "a"]


def test_where_a_file_system_has_no_hard_links_the_old_journal_is_copied(tmp_path, monkeypatch):
    """As exFAT, SMB and FUSE: a rescore works there too, and keeps the old records."""

    def refused(*names: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(journal.os, "link", refused)
    path, old = tmp_path / "records.jsonl", tmp_path / "records.before-rescore-1.jsonl"
    path.write_bytes(encode(generated("before")))
    journal.replace(path, [generated("after")], keep=old)
    assert (path.read_bytes(), old.read_bytes()) == (encode(generated("after")), encode(generated("before")))
    assert sorted(tmp_path.iterdir()) == [old, path]


def test_a_slim_record_gives_the_same_estimates_comparisons_and_votes():
    """Texts go; what metrics, comparisons and costs read stays, long answers stay distinguishable."""
    program, other = "x = 1\n" * 100, "x = 1\n" * 100 + "y"
    values = [(1.0, program, {}), (0.0, other, {}), (0.0, "2", {"vote": "two"}), (1.0, program, {"gold_present": True})]
    records = []
    for repeat, (value, answer, detail) in enumerate(values):
        request = GenerateRequest(f"k{repeat}", "t", "s", repeat, TextPrompt("long " * 99), Sampling(5))
        reply = Completion(f"k{repeat}", "text " * 99, "length", 9, 7, seconds=0.5, token_logprobs=(-0.5,))
        score = Score("exact", value, answer, "because " * 99, detail=detail)
        records.append(Record(RECORD_SCHEMA, "run", request, reply, (score,), "g"))
    slimmed = [slim(record) for record in records]
    assert sum(len(encode(record)) for record in slimmed) < sum(len(encode(record)) for record in records) / 2
    for metric in ("mean", "pass@2", "maj@3"):
        assert estimate_task("t", slimmed, [metric], 4) == estimate_task("t", records, [metric], 4)
    lost = Failure("score", "judge_died", "a long story " * 99, ours=True)
    refused = slim(
        Record(RECORD_SCHEMA, "run", records[0].request, Refusal("k0", lost), (Score("exact", None, failure=lost),))
    )
    assert refused.scores[0].failure == Failure("score", "judge_died", lost.message[:160], ours=True)


def test_a_slim_record_keeps_what_a_server_stated_and_no_reasoning():
    """Names that all answers of a run share are held once: what `compare` reads of 100,000 answers stays small."""
    slimmed = []
    for key in ("k0", "k1"):
        request = GenerateRequest(key, "t", "s", 0, TextPrompt("?"), Sampling(5))
        fingerprint = "".join(("vllm-", "0192f912"))
        served = Served(0.5, attempts=2, model="m", fingerprint=fingerprint, provider="p", reasoning_tokens=9)
        reply = Completion(key, "4", "stop", reasoning="because " * 99, served=served)
        score = Score("exact", 1.0, detail={"empty": "text"})
        slimmed.append(slim(decode(encode(Record(RECORD_SCHEMA, "run", request, reply, (score,))))))
        assert slimmed[-1].reply.served == served
    first, second = (record.reply for record in slimmed)
    assert (first.text, first.reasoning) == ("", "")
    assert first.served.fingerprint is second.served.fingerprint
    assert slimmed[0].scores[0].detail == {"empty": "text"}
