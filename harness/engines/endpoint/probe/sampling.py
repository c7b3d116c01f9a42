"""Trials of sampling: whether temperature 1 varies, whether a seed repeats a text, and whether top_k is applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from harness.datatypes import Sampling
from harness.engines.endpoint.probe.session import Session, names_field, shown
from harness.engines.endpoint.wire import Fault, WireReply

SEEDS = (11, 12, 13, 14)
# As high as every server that takes more than 1 allows
HOT = 2.0


@dataclass(frozen=True, slots=True)
class Sampled:
    """`samples`: temperature 1 varies; `seeds`: a seed gives its text again; None where it could not be seen."""

    samples: bool | None
    seeds: bool | None


def try_sampling(session: Session, greedy: str, ignores_unknown: bool | None) -> Sampled:
    """Draw with up to four seeds until two texts differ. `greedy` is the greedy text of the same prompt."""
    texts = _texts(session)
    if len(set(texts.values())) < 2:
        # Where nothing is shown (hidden reasoning), nothing can be compared
        seen = len(texts) == len(SEEDS) and any(texts.values())
        return Sampled(_varies_when_hot(session, texts) if seen else None, None)
    if not session.dialect.seed:
        return Sampled(True, None)
    first = next(iter(texts))
    again = _draw(session, first)
    seeds = shown(again) == texts[first] if isinstance(again, WireReply) else None
    if ignores_unknown and greedy and "top_k" in session.dialect.sampler:
        _try_top_k(session, greedy, texts)
    return Sampled(True, seeds)


def _texts(session: Session) -> Mapping[int, str]:
    """Text by seed, until two differ."""
    texts: dict[int, str] = {}
    for seed in SEEDS:
        answer = _draw(session, seed)
        if isinstance(answer, Fault) and session.dialect.seed and names_field(answer, "seed"):
            session.dialect = replace(session.dialect, seed=False)
            session.notes.append("the server refuses a seed: sampled answers cannot be repeated")
            answer = _draw(session, seed)
        if isinstance(answer, Fault):
            session.notes.append(f"a sampled request failed: {answer.message}")
            break
        texts[seed] = shown(answer)
        if len(set(texts.values())) > 1:
            break
    return texts


def _varies_when_hot(session: Session, texts: Mapping[int, str]) -> bool | None:
    """Whether the text changes at a high temperature: then the model was sure, and the server does sample.

    None where the server takes no such temperature.
    """
    hot = _draw(session, SEEDS[0], temperature=HOT) if session.dialect.temperature else None
    if not isinstance(hot, WireReply):
        session.notes.append("four seeds gave one text at temperature 1, and the server takes none that is higher")
        return None
    if shown(hot) in texts.values():
        return False
    session.notes.append("four seeds gave one text at temperature 1, and a higher one another: the model is sure of it")
    return True


def _try_top_k(session: Session, greedy: str, texts: Mapping[int, str]) -> None:
    """A server that ignores unknown fields may ignore top_k: of one token only, a sampled text is the greedy one."""
    seed = next(seed for seed, text in texts.items() if text != greedy)
    answer = _draw(session, seed, top_k=1)
    if isinstance(answer, WireReply) and shown(answer) == greedy:
        return
    left = {name: off for name, off in session.dialect.sampler.items() if name != "top_k"}
    session.dialect = replace(session.dialect, sampler=left)
    session.notes.append("the server accepts top_k and does not apply it: it is not sent")


def _draw(session: Session, seed: int, top_k: int = 0, temperature: float = 1.0) -> WireReply | Fault:
    return session.generate(
        sampling=Sampling(session.tokens, temperature=temperature, top_k=top_k, seed=seed), seed=seed
    )
