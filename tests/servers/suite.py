"""The demo suite on the local engine, and how the texts of a server compare with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from files import read_jsonl
from servers.running import DEMO_MODEL
from servers.ties import TIE, chat_ids, margin

Records = dict[str, dict[str, Any]]


def by_sample(folder: Path) -> Records:
    """The records of a run by sample id; each must be there once."""
    records = read_jsonl(folder / "records.jsonl")
    made = {record["request"]["sample_id"]: record for record in records}
    assert len(made) == len(records), "a sample has two records"
    return made


def other_texts(theirs: Records, ours: Records) -> dict[str, float]:
    """The samples whose text is not the local one, with the model's margin in nats where they part."""
    parted = {}
    for name, record in theirs.items():
        text, local = record["reply"]["text"], ours[name]["reply"]["text"]
        if text != local:
            parted[name] = margin(
                DEMO_MODEL, chat_ids(DEMO_MODEL, ours[name]["request"]["prompt"]["messages"]), text, local
            )
    return parted


def wrong_texts(theirs: Records, ours: Records) -> Mapping[str, float]:
    """The samples whose text is not the local one though the model's choice was no tie."""
    return {name: nats for name, nats in other_texts(theirs, ours).items() if nats >= TIE}
