"""The same rows from a file, from the mirror, compressed or not, are the same data."""

from __future__ import annotations

import gzip
import json

import pytest
from files import write_jsonl

from harness.data.rows import DataSet, Loader
from harness.errors import DataError

ROWS = [{"id": 1, "text": "a\nb", "tags": ["x"]}, {"id": 2, "text": "é", "tags": []}]


def test_mirror_and_file_give_the_same_rows_and_hash(tmp_path):
    write_jsonl(tmp_path / "mirror/org/name/main/test.jsonl", ROWS)
    with gzip.open(tmp_path / "beside.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in ROWS)
    mirrored = Loader(tmp_path / "mirror").load(DataSet("org/name", "main", "abc", tmp_path), "test", ["id"])
    beside = Loader().load(DataSet("./beside.jsonl.gz", None, None, tmp_path), "test", ["id"])
    assert list(mirrored.rows) == list(beside.rows) == ROWS
    assert mirrored.digest == beside.digest


def test_one_changed_character_changes_the_hash(tmp_path):
    digests = set()
    for number, last in enumerate("éèé"):
        rows = [ROWS[0], {**ROWS[1], "text": last}]
        write_jsonl(tmp_path / f"{number}.jsonl", rows)
        digests.add(Loader().load(DataSet(f"./{number}.jsonl", None, None, tmp_path), "test", []).digest)
    assert len(digests) == 2


def test_a_file_that_is_no_json_is_named(tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"id": 1}\n{"id": \n')
    with pytest.raises(DataError, match=r"bad\.jsonl:2: not JSON"):
        Loader().load(DataSet("./bad.jsonl", None, None, tmp_path), "test", [])


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="no such data file"):
        Loader().load(DataSet("./none.jsonl", None, None, tmp_path), "test", [])


def test_a_csv_and_a_parquet_file_work_too(tmp_path):
    import pandas

    frame = pandas.DataFrame([{"id": 1, "text": "a"}, {"id": 2, "text": "b"}])
    frame.to_csv(tmp_path / "rows.csv", index=False)
    frame.to_parquet(tmp_path / "rows.parquet")
    for name in ("rows.csv", "rows.parquet"):
        split = Loader().load(DataSet(f"./{name}", None, None, tmp_path), "test", ["text"])
        assert [row["text"] for row in split.rows] == ["a", "b"]


def test_a_folder_beside_the_page_holds_one_file_a_split(tmp_path):
    write_jsonl(tmp_path / "rows/train.jsonl", ROWS)
    write_jsonl(tmp_path / "rows/test.jsonl", ROWS[:1])
    folder = DataSet("./rows", None, None, tmp_path)
    assert len(Loader().load(folder, "train", []).rows) == 2
    assert len(Loader().load(folder, "test", []).rows) == 1
    with pytest.raises(DataError, match=r"no .*rows/dev\.jsonl"):
        Loader().load(folder, "dev", [])


def test_values_are_those_of_the_file(tmp_path):
    """Arrow would read the first as a timestamp, the second as 1.0, and could not hold the third at all."""
    rows = [
        {"day": "2020-01-01", "n": 1, "big": 2**70, "mixed": [1, "a", None]},
        {"day": "2021-02-03", "n": 2.5, "big": 3, "mixed": []},
    ]
    write_jsonl(tmp_path / "rows.jsonl", rows)
    loaded = Loader().load(DataSet("./rows.jsonl", None, None, tmp_path), "test", ["day"])
    assert list(loaded.rows) == rows
    assert [type(row["n"]) for row in loaded.rows] == [int, float]


def test_a_column_that_only_some_rows_have_is_named_with_its_row(tmp_path):
    write_jsonl(tmp_path / "rows.jsonl", [{"id": 1, "text": "a"}, {"id": 2}])
    with pytest.raises(DataError, match=r"row 1 of .*has no column 'text'"):
        Loader().load(DataSet("./rows.jsonl", None, None, tmp_path), "test", ["text"])


def test_a_json_list_and_a_byte_order_mark_are_fine(tmp_path):
    (tmp_path / "rows.json").write_text(json.dumps(ROWS, indent=1))
    (tmp_path / "rows.json.gz").write_bytes(gzip.compress(json.dumps(ROWS).encode()))
    assert list(Loader().load(DataSet("rows.json.gz", None, None, tmp_path), "test", []).rows) == ROWS
    (tmp_path / "bom.jsonl").write_bytes(b"\xef\xbb\xbf" + json.dumps(ROWS[0]).encode() + b"\r\n\r\n")
    assert list(Loader().load(DataSet("./rows.json", None, None, tmp_path), "test", []).rows) == ROWS
    assert list(Loader().load(DataSet("./bom.jsonl", None, None, tmp_path), "test", []).rows) == ROWS[:1]


def test_a_csv_value_na_stays_and_a_changed_file_is_read_again(tmp_path):
    import os

    path = tmp_path / "rows.csv"
    for text in ("NA", "None"):
        path.write_text(f"id,text\n1,{text}\n")
        os.utime(path, (1_000_000_000, 1_000_000_000))
        split = Loader().load(DataSet("./rows.csv", None, None, tmp_path), "test", ["text"])
        assert split.rows[0]["text"] == text


def test_a_csv_value_is_the_text_that_is_written(tmp_path):
    (tmp_path / "rows.csv").write_bytes(
        b"\xef\xbb\xbfid,code,price,flag,day,none\r\n1,007,1.10,true,2020-01-01,\r\n"
        b'2,"a ""b"", c",1e3,NA,"x\ny",null\r\n'
    )
    rows = Loader().load(DataSet("./rows.csv", None, None, tmp_path), "test", ["code"]).rows
    assert list(rows) == [
        {"id": "1", "code": "007", "price": "1.10", "flag": "true", "day": "2020-01-01", "none": ""},
        {"id": "2", "code": 'a "b", c', "price": "1e3", "flag": "NA", "day": "x\ny", "none": "null"},
    ]
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress((tmp_path / "rows.csv").read_bytes()))
    assert Loader().load(DataSet("./rows.csv.gz", None, None, tmp_path), "test", []).rows == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,text\n1,a\n2,b,c\n", r"rows\.csv:3: 3 values, but the header has 2 columns"),
        ("id,id\n1,2\n", "two columns are called 'id'"),
        ('id,text\n1,"a\n', r"rows\.csv:\d+: not CSV"),
        ("id,text\n", "has no rows"),
    ],
)
def test_a_csv_that_is_none_is_named_with_its_line(tmp_path, text, message):
    (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        Loader().load(DataSet("./rows.csv", None, None, tmp_path), "test", [])


@pytest.mark.parametrize("content", [b" " * (40 << 20), b"{}\n" * (10 << 20)])
def test_a_compressed_file_that_expands_beyond_measure_is_refused(tmp_path, content):
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(content, 1))
    with pytest.raises(DataError, match=r"rows\.jsonl\.gz expands to more than 1[67] MiB"):
        Loader().load(DataSet("./rows.jsonl.gz", None, None, tmp_path), "test", [])


def test_rows_nested_too_deep_are_refused(tmp_path):
    for name, text in (("a.jsonl", '{"a": ' + "[" * 200_000), ("b.json", "[" * 200_000)):
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError, match=r"nested too deep|not JSON"):
            Loader().load(DataSet(f"./{name}", None, None, tmp_path), "test", [])


def test_half_a_character_in_a_row_does_not_stop_the_hash(tmp_path):
    write_jsonl(tmp_path / "rows.jsonl", [{"id": 1, "text": "\ud800"}])
    assert len(Loader().load(DataSet("./rows.jsonl", None, None, tmp_path), "test", ["text"]).digest) == 64


def test_configs_are_put_together_once_and_columns_are_still_looked_for(tmp_path):
    for config in ("a", "b"):
        write_jsonl(tmp_path / f"org/name/{config}/test.jsonl", ROWS)
    sets = [DataSet("org/name", config, None, tmp_path) for config in ("a", "b")]
    loader = Loader(tmp_path)
    together = loader.load_all(sets, "test", ["id"])
    assert [row["config"] for row in together.rows] == ["a", "a", "b", "b"]
    assert loader.load_all(list(sets), "test", ["text"]) is together
    assert loader.load_all(sets[:1], "test", ["id"]) is not together
    with pytest.raises(DataError, match="no column 'answer'"):
        loader.load_all(sets, "test", ["answer"])
