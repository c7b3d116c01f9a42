"""A causal language model's weights on a device, and its two operations: continue rows, score rows.

Plain transformers: `generate` on left-padded rows, one forward pass on right-padded rows. Guarantees: nothing
of the checkpoint's generation defaults is in force except what is requested; a row ends at its own end token or
stop string; sampling depends on the seed given and on nothing else. Rows of one batch may differ from rows
run alone by rounding (in half precision enough to tip a near tie); `padding_fault` reports if they differ
by more.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig, StoppingCriteria, StoppingCriteriaList

from harness.datatypes import Sampling
from harness.engines.hf.half_weights import Halving
from harness.engines.hf.model_files import one_line
from harness.engines.hf.precision import bytes_of
from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.engines.hf.stop_strings import StopWatch
from harness.engines.hf.token_jobs import GenerateJob, ScoredRow
from harness.errors import ModelError

PROBE_TEXTS = ("The quick brown fox jumps over the lazy dog, and then", "One plus one")
PROBE_STEPS = 3
# Share of the logits' own spread by which padded and lone rows may differ; a wrong mask differs by about 1.
PROBE_TOLERANCE = {"float32": 0.01, "bfloat16": 0.3, "float16": 0.1}
# What `generate` would otherwise take from the checkpoint or from defaults of its own (top_k 50).
NEUTRAL: dict[str, Any] = {
    "do_sample": False,
    "temperature": None,
    "top_p": None,
    "top_k": None,
    "num_beams": 1,
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "min_new_tokens": None,
    "min_length": 0,
    "use_cache": True,
    "renormalize_logits": False,
}


@dataclass(frozen=True, slots=True)
class Continued:
    """One row's new tokens up to and with its end; `stopped` by a stop string, `ended` by an end token."""

    ids: tuple[int, ...]
    stopped: bool
    ended: bool
    logprobs: tuple[float, ...] | None = None


class HFModel:
    """Weights in memory."""

    def __init__(
        self, model: Any, encoder: PromptEncoder, end_ids: Sequence[int], device: str, *, borrowed: bool = False
    ) -> None:
        """Take a loaded model over: evaluation mode, generation defaults cleared.

        `borrowed`: the caller goes on using it, or it lies on several devices, so that no weight may be
        moved, packed or copied.
        """
        self.borrowed = borrowed
        # Quantised weights are put on their device when they load, and some kinds refuse to move
        self.quantised = getattr(model, "hf_quantizer", None) is not None
        self.halving = Halving()
        stays = borrowed or self.quantised
        self.model = model.eval() if stays else model.eval().to(device)
        self.model.generation_config = GenerationConfig()
        self.device = device
        self.encoder = encoder
        self.end_ids = tuple(end_ids)
        pad = encoder.tokenizer.pad_token_id
        size = getattr(model.config.get_text_config(), "vocab_size", None)
        self._pad = pad if pad is not None and (size is None or pad < size) else next(iter(end_ids), 0)
        self._scaled = [module for module in model.modules() if hasattr(module, "max_seq_len_cached")]
        self._keeps_logits = "logits_to_keep" in inspect.signature(model.forward).parameters

    @property
    def parameters(self) -> int:
        """How many parameters, tied ones once."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def weights_bytes(self) -> int:
        """What the parameters take in memory."""
        return sum(bytes_of(parameter) for parameter in self.model.parameters())

    @property
    def vocabulary(self) -> int:
        """How many logits a token has."""
        return int(self.model.config.get_text_config().vocab_size)

    @property
    def dtype(self) -> str:
        """The precision the weights are in."""
        return str(self.model.dtype).removeprefix("torch.")

    @torch.inference_mode()
    def generate(self, jobs: Sequence[GenerateJob]) -> list[Continued]:
        """Continue the jobs' prompts as one left-padded batch; all have the first one's settings."""
        self._forget_lengths()
        sampling, prompts = jobs[0].sampling, [job.ids for job in jobs]
        watch = StopWatch(self.encoder, prompts, sampling.stop)
        ids, mask = self._pad_left(prompts)
        config = GenerationConfig(**(NEUTRAL | self._decoding(sampling)), max_new_tokens=jobs[0].max_new)
        config.output_logits = config.return_dict_in_generate = sampling.logprobs
        config.eos_token_id = list(self.end_ids) or None
        config.pad_token_id = self._pad
        criteria = StoppingCriteriaList([_StopStrings(watch, ids.shape[1])] if sampling.stop else [])
        devices = [self.model.device] if self.model.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(jobs[0].seed)
            out = self.model.generate(ids, attention_mask=mask, generation_config=config, stopping_criteria=criteria)
        new = (out.sequences if sampling.logprobs else out)[:, ids.shape[1] :]
        taken = _taken(out.logits, new) if sampling.logprobs else [None] * len(jobs)
        return [
            self._ending(row, at, logprobs)
            for row, at, logprobs in zip(new.tolist(), watch.stopped_at, taken, strict=True)
        ]

    @torch.inference_mode()
    def score(self, rows: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[ScoredRow]:
        """Score each (context ids, continuation ids) row by float32 log-probabilities of its continuation."""
        self._forget_lengths()
        inputs = [[*context, *continuation][:-1] for context, continuation in rows]
        longest = max(map(len, inputs))
        ids = torch.full((len(rows), longest), self._pad, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for index, row in enumerate(inputs):
            ids[index, : len(row)] = torch.tensor(row, dtype=torch.long)
            mask[index, : len(row)] = 1
        starts = [len(row) - len(continuation) for row, (_, continuation) in zip(inputs, rows, strict=True)]
        keep = longest - min(starts)
        limit = {"logits_to_keep": keep} if self._keeps_logits else {}
        out = self.model(input_ids=ids.to(self.device), attention_mask=mask.to(self.device), use_cache=False, **limit)
        offset = longest - out.logits.shape[1]
        found = []
        for index, (_, continuation) in enumerate(rows):
            first = starts[index] - offset
            logprobs = out.logits[index, first : first + len(continuation)].float().log_softmax(-1)
            wanted = torch.tensor(continuation, device=logprobs.device)
            taken = logprobs.gather(1, wanted[:, None])[:, 0]
            found.append(ScoredRow(tuple(taken.tolist()), bool((logprobs.argmax(-1) == wanted).all())))
        return found

    @torch.inference_mode()
    def refuse_nonsense(self) -> None:
        """Raise ModelError if the model computes no numbers in this precision."""
        ids, mask = self._pad_left([self.probe_ids()])
        _finite(self.model(input_ids=ids, attention_mask=mask, use_cache=False).logits[0, -1], self.dtype)

    def probe_ids(self, text: str = PROBE_TEXTS[0]) -> list[int]:
        """A short text's token ids."""
        ids = list(self.encoder.tokenizer(text)["input_ids"])
        # A tiny model has fewer tokens than the tokenizer
        return [token % self.vocabulary for token in ids]

    @torch.inference_mode()
    def padding_fault(self) -> str | None:
        """Run two unequal prompts alone and together; return how they differ, None if they do not.

        Raises ModelError if the model computes no numbers in this precision.
        """
        prompts = [self.probe_ids(text) for text in PROBE_TEXTS]
        try:
            together = self._probe(prompts)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            return f"padded rows fail ({one_line(error)})"
        for row, prompt in enumerate(prompts):
            alone = self._probe([prompt])
            for step in range(PROBE_STEPS):
                a, b = alone.logits[step][0].float(), together.logits[step][row].float()
                _finite(a, self.dtype)
                if bool(b.isnan().any()):
                    return "padded rows give no finite numbers"
                shown = a.isfinite() & b.isfinite()
                off = float((a - b)[shown].abs().max() / (a[shown].std() + 1e-9))
                if off > PROBE_TOLERANCE.get(self.dtype, 0.3):
                    return f"logits of padded rows are off by {off:.2g} of their spread"
                if alone.sequences[0, len(prompt) + step] != together.sequences[row, step - PROBE_STEPS]:
                    break
        return None

    def close(self) -> None:
        """Give the memory back."""
        self.model = None
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def _forget_lengths(self) -> None:
        """Put rotary scales back to where they start.

        Dynamic scaling keeps the scale of the longest row that it has seen, so that an answer would depend on those
        before it.
        """
        for module in self._scaled:
            module.max_seq_len_cached = module.original_max_seq_len
            for name in [name for name in vars(module) if name.endswith("_max_seq_len_cached")]:
                setattr(module, name, module.original_max_seq_len)
            for name, start in [*vars(module).items(), *module.named_buffers(recurse=False)]:
                if name.endswith("original_inv_freq"):
                    setattr(module, name.replace("original_", ""), start.to(self.device).clone())

    def _probe(self, prompts: Sequence[Sequence[int]]) -> Any:
        ids, mask = self._pad_left(prompts)
        # Exactly this many steps: without end tokens no row can finish early.
        config = GenerationConfig(**NEUTRAL, max_new_tokens=PROBE_STEPS, pad_token_id=self._pad)
        config.output_logits = config.return_dict_in_generate = True
        return self.model.generate(ids, attention_mask=mask, generation_config=config)

    def _decoding(self, sampling: Sampling) -> dict[str, Any]:
        if sampling.temperature == 0:
            return {}
        return {
            "do_sample": True,
            "temperature": float(sampling.temperature),
            "top_p": float(sampling.top_p),
            "top_k": sampling.top_k,
        }

    def _ending(self, row: Sequence[int], stopped_at: int | None, logprobs: Sequence[float] | None) -> Continued:
        ended_at = next((place for place, token in enumerate(row, start=1) if token in self.end_ids), None)
        stopped = stopped_at is not None and (ended_at is None or stopped_at <= ended_at)
        end = stopped_at if stopped else ended_at
        kept = None if logprobs is None else tuple(logprobs[:end])
        return Continued(tuple(row[:end]), stopped, not stopped and ended_at is not None, kept)

    def _pad_left(self, prompts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        longest = max(map(len, prompts))
        ids = torch.full((len(prompts), longest), self._pad, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for index, prompt in enumerate(prompts):
            ids[index, longest - len(prompt) :] = torch.tensor(prompt, dtype=torch.long)
            mask[index, longest - len(prompt) :] = 1
        return ids.to(self.device), mask.to(self.device)


def _finite(logits: torch.Tensor, dtype: str) -> None:
    if not bool(torch.isfinite(logits).any()) or bool(logits.isnan().any()):
        remedy = "use --dtype float32"
        if dtype == "float32":
            remedy = "its weights are finite, so its config does not fit them, or they are damaged; copy both again"
        raise ModelError(f"the model computes no finite numbers in {dtype}: {remedy}")


def _taken(logits: Sequence[torch.Tensor], new: torch.Tensor) -> list[list[float]]:
    """Log-probability of each new token, under the logits of its step [rows, vocabulary]."""
    steps = [step.float().log_softmax(-1).gather(1, new[:, number, None])[:, 0] for number, step in enumerate(logits)]
    rows: list[list[float]] = torch.stack(steps, 1).tolist()
    return rows


class _StopStrings(StoppingCriteria):  # type: ignore[misc]
    """Passes the rows' new tokens to a StopWatch."""

    def __init__(self, watch: StopWatch, prompt_width: int) -> None:
        self._watch = watch
        self._width = prompt_width

    def __call__(self, input_ids: torch.Tensor, scores: Any, **kwargs: Any) -> torch.Tensor:
        done = self._watch.look(input_ids[:, self._width :].tolist())
        return torch.tensor(done, dtype=torch.bool, device=input_ids.device)
