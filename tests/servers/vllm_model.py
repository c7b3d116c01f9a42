"""The model behind `vllm_shape.py`: plain transformers, one sequence at a time, float32."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Token:
    """One token that was generated, with the log-probabilities of all tokens at its place."""

    id: int
    logprobs: torch.Tensor


@dataclass(frozen=True)
class Generated:
    """What one sequence became; `stop_reason` is the stop string that was met."""

    tokens: tuple[Token, ...]
    text: str
    finish: str
    stop_reason: str | None


class Model:
    """A causal language model of a folder. Thread-safe: one thing is computed at a time."""

    def __init__(self, folder: str) -> None:
        """Load it."""
        from transformers import AutoModelForCausalLM, AutoTokenizer

        torch.set_num_threads(1)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.window = int(self.model.config.max_position_embeddings)
        self._lock = threading.Lock()

    def text(self, ids: Sequence[int]) -> str:
        """The text of token ids, special ones left out."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    def render(self, messages: Sequence[Mapping[str, Any]], *, generate: bool, go_on: bool) -> list[int]:
        """Token ids of a conversation by the model's template. Raises ValueError for one that it does not take."""
        rendered = self.tokenizer.apply_chat_template(
            list(messages), add_generation_prompt=generate, continue_final_message=go_on, tokenize=False
        )
        return list(self.tokenizer(rendered, add_special_tokens=False)["input_ids"])

    @torch.inference_mode()
    def score(self, ids: Sequence[int]) -> torch.Tensor:
        """Log-probabilities of every token at every place after the first: (len(ids) - 1, vocabulary)."""
        with self._lock:
            return torch.log_softmax(self.model(torch.tensor([list(ids)])).logits[0, :-1].float(), dim=-1)

    def generate(self, ids: Sequence[int], settings: Mapping[str, Any], most: int, seed: int | None) -> Generated:
        """Generate until a stop string, the end token or `most` tokens."""
        stops = settings["stop"]
        tokens: list[Token] = []
        for token in self._tokens(ids, settings, seed):
            tokens.append(token)
            if token.id == self.tokenizer.eos_token_id:
                return Generated(tuple(tokens), self.text([t.id for t in tokens]), "stop", None)
            text = self.text([t.id for t in tokens])
            met = min((stop for stop in stops if stop in text), key=text.index, default=None)
            if met is not None:
                return Generated(tuple(tokens), text[: text.index(met)], "stop", met)
            if len(tokens) >= most:
                break
        return Generated(tuple(tokens), self.text([t.id for t in tokens]), "length", None)

    def _tokens(self, ids: Sequence[int], settings: Mapping[str, Any], seed: int | None) -> Iterator[Token]:
        generator = torch.Generator()
        if seed is None:
            generator.seed()
        else:
            generator.manual_seed(seed)
        cache = None
        new = torch.tensor([list(ids)])
        while True:
            with self._lock, torch.inference_mode():
                out = self.model(new, past_key_values=cache, use_cache=True)
            cache = out.past_key_values
            logits = out.logits[0, -1].float()
            chosen = _choose(logits, settings, generator)
            yield Token(chosen, torch.log_softmax(logits, dim=-1))
            new = torch.tensor([[chosen]])


def _choose(logits: torch.Tensor, settings: Mapping[str, Any], generator: torch.Generator) -> int:
    if settings["temperature"] == 0:
        return int(logits.argmax())
    probabilities = torch.softmax(logits / settings["temperature"], dim=-1)
    if settings["top_k"] > 0:
        least = probabilities.topk(min(settings["top_k"], len(probabilities))).values[-1]
        probabilities = probabilities * (probabilities >= least)
    probabilities = probabilities * (probabilities >= settings["min_p"] * probabilities.max())
    if settings["top_p"] < 1:
        ordered, places = probabilities.sort(descending=True)
        before = ordered.cumsum(0) - ordered
        probabilities[places[before >= settings["top_p"] * ordered.sum()]] = 0
    return int(torch.multinomial(probabilities, 1, generator=generator))
