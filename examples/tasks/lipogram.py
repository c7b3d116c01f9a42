"""Rows and score of lipogram.yaml."""

SENTENCES = {"e": "A quick brown fox jumps on", "z": "The lazy dog sleeps all day"}


def prepare(row: dict) -> dict:
    """Return the row that templates and `share_without` get."""
    letter = row["letter"].lower()
    return {"letter": letter, "sentence": SENTENCES[letter].replace("lazy", "old")}


def share_without(sample: dict, completion: str) -> float:
    """Return the share of words without the letter; 0 for fewer than five words."""
    words = completion.lower().split()
    return sum(sample["letter"] not in word for word in words) / len(words) if len(words) >= 5 else 0.0
