"""How many parameters a model has, and how many of them one token uses, counted without weights.

The model is built on torch's meta device, where a parameter has a shape and no memory. Guarantees: tied parameters
count once; routed experts are the parameters whose name holds `.experts.` (an expert may be a module or a slice of one
tensor, so modules are never counted); where a config names experts and the class shows none, has some under other
names, or does not state how many a token uses, the active count is None and not a guess. Does not count what a
checkpoint holds beside the class (layers that predict several tokens ahead, say).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from harness.engines.hf.meta_model import on_meta

ROUTED = ".experts."
EXPERTS = ("n_routed_experts", "num_local_experts", "num_experts", "moe_num_experts")
USED = ("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_top_k", "moe_k", "top_k_experts")
# A token may be given to an expert that does nothing, so the count of a token's parameters varies
IDLE_EXPERTS = "zero_expert_num"


@dataclass(frozen=True, slots=True)
class Parameters:
    """Counts of parameters. `routed` are those of routed experts; `input_embedding` is 0 where it is tied to the head.

    `experts` and `used`: routed experts of a layer, and how many of them a token uses; None where they are not known
    or the model has none (`routed` is then 0).
    """

    total: int
    routed: int
    input_embedding: int
    experts: int | None = None
    used: int | None = None
    known: bool = True

    @property
    def active(self) -> int | None:
        """Parameters that a token uses, the input embedding among them: total - routed + routed * used / experts."""
        if not self.known:
            return None
        if not self.routed:
            return self.total
        assert self.experts and self.used
        return self.total - self.routed + int(Fraction(self.routed * self.used, self.experts))

    @property
    def active_without_embedding(self) -> int | None:
        """The same without the input embedding, of which a token reads one row; a tied one is the head and stays."""
        return None if self.active is None else self.active - self.input_embedding


def count_parameters(config: Any, *, trust_remote_code: bool = False) -> Parameters:
    """Count the causal language model of `config`. Raises EngineError with the class's own words if it has none."""
    model = on_meta(config, trust_remote_code=trust_remote_code)
    shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
    sizes = {name: shape.numel() for name, shape in shapes.items()}
    shown, head = model.get_input_embeddings(), model.get_output_embeddings()
    tied = shown is not None and getattr(head, "weight", None) is shown.weight
    settings = text_config(config)
    routed = sum(size for name, size in sizes.items() if ROUTED in name)
    experts, used = routing(settings)
    elsewhere = any(_one_of_each(shape, experts) and ROUTED not in name for name, shape in shapes.items())
    return Parameters(
        total=sum(sizes.values()),
        routed=routed,
        input_embedding=0 if tied or shown is None else int(shown.weight.numel()),
        experts=experts,
        used=used,
        known=not elsewhere and not getattr(settings, IDLE_EXPERTS, None) and bool(experts and used) == bool(routed),
    )


def routing(config: Any) -> tuple[int | None, int | None]:
    """Routed experts of a layer, and how many of them a token uses, under the names that configs have for them."""
    experts, used = (_first(config, names) for names in (EXPERTS, USED))
    return (experts, used) if experts and experts > 1 else (None, None)


def text_config(config: Any) -> Any:
    """The part of a config that describes the language model."""
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def _one_of_each(shape: tuple[int, ...], experts: int | None) -> bool:
    """Whether a tensor looks like a matrix for each expert."""
    return len(shape) == 3 and shape[0] == experts and shape[1] > 1


def _first(config: Any, names: tuple[str, ...]) -> int | None:
    """The first of these settings that is a number; some classes keep them one level down (`ffn_config`)."""
    inner = getattr(config, "ffn_config", None)
    for name in names:
        for place in (config, inner):
            value = place.get(name) if isinstance(place, Mapping) else getattr(place, name, None)
            if isinstance(value, int) and not isinstance(value, bool):
                return value
    return None
