"""What the local engine would do with a model: its facts, and the level that the self-check finds for it.

The level is found by what a run itself does: the weights are loaded and run against plain transformers. Without
weights it is found on a small twin of the config, which has the same class and kinds of layers but random float32
weights: that says whether the arrangement fits the class, not what precision and kernels do to this model.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from harness.config.schema import ModelPage
from harness.engines.base import EngineFacts
from harness.engines.local import build
from harness.engines.local.engine import LocalEngine
from harness.plan import model_spec


@dataclass(frozen=True, slots=True)
class Inspection:
    """A model as the local engine sees it.

    `model_class` is the class that runs it, `vocabulary` the tokens that its tokenizer knows; `twin`: the level is a
    small twin's. Level and notes stand in `facts`, as a run's manifest would have them.
    """

    path: str
    model_class: str
    model_type: str
    vocabulary: int
    has_template: bool
    twin: bool
    facts: EngineFacts

    @property
    def level(self) -> str:
        """How the engine would run it."""
        return str(self.facts.generation["level"])


def inspect(model: ModelPage, *, weights: bool = True) -> Inspection:
    """Open a model and find its level. Raises ConfigError, HubError or EngineError with one line."""
    with closing(build(model_spec(model), {})) as engine:
        if weights:
            engine.load()
        facts = engine.facts() if weights else _with_level_of_twin(engine)
        config = engine.checkpoint.config
        return Inspection(
            path=model.path,
            model_class=_class_name(config, own_code=engine.checkpoint.trust_remote_code),
            model_type=str(config.model_type),
            vocabulary=len(engine.encoder.tokenizer),
            has_template=engine.encoder.template is not None,
            twin=not weights,
            facts=facts,
        )


def _with_level_of_twin(engine: LocalEngine) -> EngineFacts:
    """Let the engine find the level of a twin in place of the model; nothing is read and nothing kept."""
    from harness.engines.hf_model import HFModel
    from harness.engines.twin import tiny_config, tiny_model

    facts = engine.facts()
    # The engine's checks write with the model's own tokenizer
    config = tiny_config(engine.checkpoint.config, vocab_size=len(engine.encoder.tokenizer))
    notes = engine.start(HFModel(tiny_model(config), engine.encoder, (), facts.device or "cpu"))
    return replace(facts, generation={**facts.generation, **engine.pace()}, notes=(*facts.notes, *notes))


def _class_name(config: Any, *, own_code: bool) -> str:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    brought = (getattr(config, "auto_map", None) or {}).get("AutoModelForCausalLM") if own_code else None
    found = brought or MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(config.model_type, "unknown")
    return str(found).rpartition(".")[2]
