"""A model of a config's class without memory for its parameters: what shapes a checkpoint must have."""

from __future__ import annotations

from typing import Any

from harness.engines.hf.model_files import one_line
from harness.errors import EngineError


def on_meta(config: Any, *, trust_remote_code: bool = False) -> Any:
    """Build the model without memory for its parameters. Raises EngineError."""
    import copy

    import torch
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoModelForCausalLM

    plain = copy.deepcopy(config)
    # A packed weight has another shape; what is counted are the numbers that it represents
    if getattr(plain, "quantization_config", None) is not None:
        del plain.quantization_config
    try:
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(plain, trust_remote_code=trust_remote_code)
    except (
        StrictDataclassError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        ImportError,
        RuntimeError,
    ) as error:
        raise EngineError(f"{config.model_type}: cannot be built without weights ({one_line(error)})") from None
