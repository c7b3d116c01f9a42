"""The mode in which the engine would run a model: on its weights, or on a tiny random model of the same class.

A tiny model shows whether a mode fits the class, not what precision and kernels do to the model itself. Nothing is read
but config and tokenizer unless the weights are to be tried, and nothing is kept.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import Any

from harness.engines.base import EngineFacts, Inspected
from harness.engines.hf.hf_model import HFModel
from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.engines.hf.tiny_model import tiny_config, tiny_model
from harness.engines.local.engine import LocalEngine
from harness.engines.local.modes import Limits, choose_mode


def inspect_model(opened: LocalEngine, *, weights: bool) -> Inspected:
    """Return mode and facts of a whole checkpoint, and close its engine."""
    with closing(opened) as engine:
        if weights:
            engine.load()
            facts = engine.facts()
        else:
            facts = _with_mode_of_tiny(engine)
    return Inspected(str(facts.generation["level"]), facts.notes, facts)


def inspect_tiny(model: Any, tokenizer: Any) -> Inspected:
    """Return the mode of a tiny model; `tokenizer` writes the prompts of the self-check."""
    chosen = choose_mode(HFModel(model, PromptEncoder(tokenizer), (), "cpu"), "packed", Limits(None, None, None))
    chosen.mode.close()
    return Inspected(chosen.name, chosen.notes)


def _with_mode_of_tiny(engine: LocalEngine) -> EngineFacts:
    facts = engine.facts()
    # The self-check writes with the model's own tokenizer
    config = tiny_config(engine.checkpoint.config, vocab_size=len(engine.encoder.tokenizer))
    notes = engine.start(HFModel(tiny_model(config), engine.encoder, (), facts.device or "cpu"))
    return replace(facts, generation={**facts.generation, **engine.throughput_options()}, notes=(*facts.notes, *notes))
