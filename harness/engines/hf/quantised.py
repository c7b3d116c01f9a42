"""Whether quantised weights can be read here, found out from the config alone, before they are downloaded.

Guarantees: a way of quantising that this transformers does not know, or whose packages or hardware are missing, is
refused; transformers itself loads the former as if they were plain weights. Does not check the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.engines.hf.model_files import ModelFiles, one_line
from harness.errors import ModelError

KEYS = ("quantization_config", "compression_config")
# What tools write beside a config that does not mention it
SIDE_FILES = ("quantize_config.json", "quant_config.json", "hf_quant_config.json", "quantization_config.json")
REMEDY = "choose a checkpoint with plain weights (such as bfloat16)"


def refuse_unreadable(files: ModelFiles, raw: Mapping[str, Any]) -> None:
    """Raise ModelError for quantised weights that cannot be read here; `raw` is the content of config.json."""
    settings = _settings(raw)
    if settings is None:
        if isinstance(raw.get("quantization"), Mapping):
            raise ModelError(f"{files.name}: is quantised for MLX, which transformers does not read; {REMEDY}")
        if (found := next((name for name in SIDE_FILES if name in files.names), None)) is not None:
            raise ModelError(
                f"{files.name}: is quantised ({found}), but config.json has no quantization_config, so its weights "
                f"would be taken for plain ones; {REMEDY}"
            )
        return
    if not isinstance(settings, Mapping):
        raise ModelError(f"{files.name}: config.json: quantization_config must hold keys (found {settings!r})")
    method = _method(settings)
    if not isinstance(method, str):
        raise ModelError(f"{files.name}: config.json: quantization_config has no quant_method; {REMEDY}")
    if fault := _fault(method, dict(settings)):
        raise ModelError(f"{files.name}: is quantised ({method}), which cannot be read here: {fault}; or {REMEDY}")


def _settings(raw: Mapping[str, Any]) -> Any:
    inner = raw.get("text_config")
    for place in (raw, inner if isinstance(inner, Mapping) else {}):
        for key in KEYS:
            if place.get(key) is not None:
                return place[key]
    return None


def _method(settings: Mapping[str, Any]) -> Any:
    if settings.get("load_in_8bit") or settings.get("load_in_4bit"):
        return "bitsandbytes"
    return settings.get("quant_method")


def _fault(method: str, settings: dict[str, Any]) -> str | None:
    import transformers
    from transformers.quantizers.auto import AUTO_QUANTIZATION_CONFIG_MAPPING, AutoHfQuantizer

    known = {*AUTO_QUANTIZATION_CONFIG_MAPPING, "bitsandbytes"}
    if method not in known:
        return f"transformers {transformers.__version__} does not know it"
    try:
        quantizer = AutoHfQuantizer.from_config(settings | {"quant_method": method}, pre_quantized=True)
        quantizer.validate_environment(device_map=None, weights_only=True)
    except (ImportError, RuntimeError, ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        return one_line(error).rstrip(".")
    return None
