"""What a model is, by its config alone, and how the default engine would run it.

Parameters are counted without memory for them, the cache is computed from the config and measured on a tiny model
(the same class and kinds of layers, random float32 weights). The engine's mode is the one that a run would use: tested
on the weights where they are downloaded, else on the tiny model, which shows whether the mode fits the class and not
what precision and kernels do to this model. Guarantees: a bare config is enough; what is not known is None; where
computed and measured figures differ both are reported and neither is used further.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from harness.config.schema import ModelPage
from harness.engines.base import EngineFacts, Inspected
from harness.engines.registry import engine_module, engine_name
from harness.errors import HarnessError, ModelError
from harness.models.attention import Attention
from harness.models.cache_growth import Growth
from harness.models.parameters import Parameters
from harness.models.tokenizer_facts import TokenizerFacts
from harness.plan import model_spec

if TYPE_CHECKING:
    from harness.engines.hf.model_files import ModelFiles
    from harness.engines.hf.quantise import Roundable

# Bytes of a number; where weights are rounded, of the others and of those in the cache
PRECISIONS = {"float32": 4, "bfloat16": 2}
ROUNDED, BESIDE_ROUNDED = ("int8", "int4"), 2


@dataclass(frozen=True, slots=True)
class Cache:
    """Elements that a token adds to the KV cache of the tiny model: computed, and measured.

    `agree` is None where the tiny model could not be measured.
    """

    tiny_computed: Fraction | None
    tiny: Growth | None

    @property
    def agree(self) -> bool | None:
        """Whether the rule that the model's figure comes from holds for the tiny model."""
        if self.tiny is None or self.tiny_computed is None:
            return None
        return self.tiny_computed == self.tiny.per_token


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of the weights in a precision, and of the cache of one row as long as `context`; None is unknown."""

    precision: str
    weights: int
    context: int | None
    cache: int | None


@dataclass(frozen=True, slots=True)
class Level:
    """How the engine would run it: `of` the weights or a tiny model ("twin"); unknown where neither could be tried."""

    name: str
    of: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inspection:
    """A model's facts. `facts` are the engine's, None unless config, tokenizer and list of weights are all there.

    `stored`: numbers in the weight files, None where they are not here or not safetensors.
    """

    path: str
    name: str
    model_class: str
    model_type: str
    files: tuple[tuple[str, int | None], ...]
    licence: str | None
    parameters: Parameters | None
    stored: int | None
    layers: int | None
    attention: Attention
    cache: Cache
    context_window: int | None
    vocabulary: int | None
    tokenizer: TokenizerFacts | None
    memory: tuple[Memory, ...]
    engine: str
    level: Level
    facts: EngineFacts | None
    notes: tuple[str, ...] = ()


def inspect(model: ModelPage, *, weights: bool | None = None, context: int | None = None) -> Inspection:
    """Look at a hub id, a folder or a config file. Raises ConfigError, ModelError or HubError with one line.

    `weights`: find the level on the weights (None: where they lie in the folder already); `context`: tokens that the
    memory is computed for (None: the model's window).
    """
    from harness.engines.hf.checkpoint import context_window, has_tokenizer, load_tokenizer, open_config
    from harness.models.attention import attention_of, layer_count
    from harness.models.model_card import licence_of
    from harness.models.parameters import text_config
    from harness.models.tokenizer_facts import tokenizer_facts

    files, config = open_config(model.path, model.revision, model.trust_remote_code, model.adapter)
    tokenizer = load_tokenizer(files, model.trust_remote_code) if has_tokenizer(files) else None
    listed = _weights_listed(files)
    here = listed and files.weights_here()
    facts, level = None, None
    parameters, notes = _parameters(config, model.trust_remote_code)
    if (listed and tokenizer is not None) or weights:
        try:
            facts, level = _on_engine(model, weights=bool(here if weights is None else weights))
        except ModelError as error:
            if weights:
                raise
            notes = (*notes, f"cannot be run here: {error}")
    attention = attention_of(config)
    tiny = _tiny_model(config, tokenizer)
    cache = _cache(tiny)
    window = context_window(config, getattr(tokenizer, "model_max_length", None))
    return Inspection(
        path=model.path,
        name=model.name,
        model_class=_class_name(config, own_code=model.trust_remote_code),
        model_type=str(config.model_type),
        files=tuple(_sizes(files)),
        licence=licence_of(files.folder) if len(files.names) > 1 else None,
        parameters=parameters,
        stored=files.parameters() if here else None,
        layers=layer_count(config),
        attention=attention,
        cache=cache,
        context_window=window,
        vocabulary=getattr(text_config(config), "vocab_size", None),
        tokenizer=tokenizer_facts(tokenizer) if tokenizer is not None else None,
        memory=_memory(parameters, _roundable(config, model.trust_remote_code), attention, cache, context or window),
        engine=engine_name(None),
        level=level or _level_of_tiny(tiny, tokenizer),
        facts=facts,
        notes=notes,
    )


def _weights_listed(files: ModelFiles) -> bool:
    try:
        return bool(files.weight_names())
    except HarnessError:
        return False


def _on_engine(model: ModelPage, *, weights: bool) -> tuple[EngineFacts | None, Level | None]:
    """What the default engine finds on a whole checkpoint; nothing where it does not inspect models."""
    inspect_model = getattr(engine_module(None), "inspect_model", None)
    if inspect_model is None:
        return None, None
    inspected: Inspected = inspect_model(model_spec(model), weights=weights)
    return inspected.facts, Level(inspected.mode, "weights" if weights else "twin")


def _tiny_model(config: Any, tokenizer: Any) -> Any:
    """A small model of the class; None where there is none."""
    from harness.engines.hf.tiny_model import tiny_config, tiny_model
    from harness.models.parameters import text_config

    try:
        return tiny_model(tiny_config(text_config(config), vocab_size=max(400, len(tokenizer or ()))))
    except HarnessError:
        return None


def _cache(tiny: Any) -> Cache:
    from harness.models.attention import attention_of
    from harness.models.cache_growth import measure_growth

    if tiny is None:
        return Cache(None, None)
    rule = attention_of(tiny.config).cache
    return Cache(None if rule is None else rule.per_token, measure_growth(tiny))


def _level_of_tiny(tiny: Any, tokenizer: Any) -> Level:
    """The level of a model that lacks weights or tokenizer; a tokenizer of bytes writes the check's prompts."""
    from harness.models.tokenizer_facts import byte_tokenizer

    if tiny is None:
        return Level("unknown", "twin", ("no tiny model can be made of this class",))
    inspect_tiny = getattr(engine_module(None), "inspect_tiny", None)
    if inspect_tiny is None:
        return Level("unknown", "twin", (f"the engine {engine_name(None)} does not inspect models",))
    inspected: Inspected = inspect_tiny(tiny, tokenizer if tokenizer is not None else byte_tokenizer())
    return Level(inspected.mode, "twin", inspected.notes)


def _parameters(config: Any, trust_remote_code: bool) -> tuple[Parameters | None, tuple[str, ...]]:
    from harness.models.parameters import count_parameters

    try:
        return count_parameters(config, trust_remote_code=trust_remote_code), ()
    except HarnessError as error:
        return None, (f"parameters were not counted: {error}",)


def _roundable(config: Any, trust_remote_code: bool) -> Roundable | None:
    from harness.engines.hf.quantise import roundable

    try:
        return roundable(config, trust_remote_code=trust_remote_code)
    except HarnessError:
        return None


def _memory(
    parameters: Parameters | None,
    roundable: Roundable | None,
    attention: Attention,
    cache: Cache,
    context: int | None,
) -> tuple[Memory, ...]:
    """Weights and one row's cache in each precision, and as `--quantize` rounds them.

    A cache size that the tiny model contradicts is not used.
    """
    if parameters is None:
        return ()
    sizes = [(name, parameters.total * size, size) for name, size in PRECISIONS.items()]
    if roundable is not None:
        sizes += [(kind, roundable.bytes_in(kind, BESIDE_ROUNDED), BESIDE_ROUNDED) for kind in ROUNDED]
    rule = attention.cache if cache.agree is not False else None
    elements = rule.elements(context) if rule is not None and context else None
    return tuple(
        Memory(name, weights, context, None if elements is None else elements * kept) for name, weights, kept in sizes
    )


def _sizes(files: ModelFiles) -> Iterator[tuple[str, int | None]]:
    """Files by name with their bytes, None where the hub gives none; files in folders below are left out."""
    sizes = dict(files.sizes)
    for name in sorted(files.names):
        file = files.folder / name
        if not file.is_dir():
            yield name, file.stat().st_size if file.is_file() else sizes.get(name)


def _class_name(config: Any, *, own_code: bool) -> str:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    brought = (getattr(config, "auto_map", None) or {}).get("AutoModelForCausalLM") if own_code else None
    found = brought or MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(config.model_type, "unknown")
    return str(found).rpartition(".")[2]
