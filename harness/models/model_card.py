"""The licence that a model came with, by its own files: the card's heading, else the licence file's first words.

Guarantees: nothing is concluded from a model's name or owner; what no file states is None. This is no
legal advice: the files may be wrong, and a licence may name terms that are in another file.
"""

from __future__ import annotations

from pathlib import Path

CARD = "README.md"
MOST_CHARACTERS = 80


def licence_of(folder: Path) -> str | None:
    """Read the card's `license` (with `license_name`, where it is `other`), or the first line of a licence file."""
    return _of_card(folder / CARD) or _of_file(folder)


def _of_card(card: Path) -> str | None:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        text = card.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if not text.startswith("---\n") or "\n---" not in text[4:]:
        return None
    try:
        heading = YAML(typ="safe", pure=True).load(text[4:].partition("\n---")[0])
    except YAMLError:
        return None
    if not isinstance(heading, dict) or not heading.get("license"):
        return None
    named = [str(heading[key]) for key in ("license", "license_name") if heading.get(key)]
    return f"{' '.join(named)} ({CARD})"


def _of_file(folder: Path) -> str | None:
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.name.upper().startswith(("LICENSE", "LICENCE")):
            try:
                lines = file.read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError):
                continue
            first_line = next((line.strip(" #*") for line in lines if line.strip(" #*")), "")
            return f"{first_line[:MOST_CHARACTERS]} (first line of {file.name})" if first_line else None
    return None
