"""Whether quantised weights can be read here, found out from the config alone, before they are downloaded.

Guarantees: a way of quantising that this transformers does not know, or whose packages or hardware are missing, is
refused; transformers itself loads the former as if they were plain weights. Does not check the weights.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import Any

from harness.engines.hf.model_files import ModelFiles, one_line
from harness.engines.hf.precision import words_of
from harness.errors import ModelError

KEYS = ("quantization_config", "compression_config")
# What tools write beside a config that does not mention it
SIDE_FILES = ("quantize_config.json", "quant_config.json", "hf_quant_config.json", "quantization_config.json")
# What to install for those whose own message does not say it
PACKAGES = {
    "aqlm": "aqlm",
    "eetq": "eetq",
    "fbgemm_fp8": "fbgemm-gpu",
    "hqq": "hqq",
    "quark": "amd-quark",
    "spqr": "spqr_quant",
    "vptq": "vptq",
}
# Those that need several packages, of which transformers' message names one at a time: our extra that has them all
EXTRAS = {"awq": "gptq", "gptq": "gptq"}
REMEDY = "choose a checkpoint with plain weights (such as bfloat16)"


def stored_precision(files: ModelFiles, raw: Mapping[str, Any], device: str = "cpu") -> str | None:
    """How the weights are quantised, in words; None for plain ones. `raw` is the content of config.json.

    Raises ModelError for quantised weights that cannot be read here, on `device`.
    """
    settings = _settings(raw)
    if settings is None:
        if isinstance(raw.get("quantization"), Mapping):
            raise ModelError(f"{files.name}: is quantised for MLX, which transformers does not read; {REMEDY}")
        if (found := next((name for name in SIDE_FILES if name in files.names), None)) is not None:
            raise ModelError(
                f"{files.name}: is quantised ({found}), but config.json has no quantization_config, so its weights "
                f"would be taken for plain ones; {REMEDY}"
            )
        return None
    if not isinstance(settings, Mapping):
        raise ModelError(f"{files.name}: config.json: quantization_config must hold keys (found {settings!r})")
    method = _method(settings)
    if not isinstance(method, str):
        raise ModelError(f"{files.name}: config.json: quantization_config has no quant_method; {REMEDY}")
    unpacked = _unpacked_here(method, dict(settings), device)
    if isinstance(unpacked, str):
        raise ModelError(f"{files.name}: is quantised ({method}), which cannot be read here: {unpacked}; or {REMEDY}")
    return words_of(method, settings, unpacked=unpacked)


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


def _unpacked_here(method: str, settings: dict[str, Any], device: str) -> bool | str:
    """Whether the weights are unpacked when they load, for want of kernels; a text if they cannot be read, and why."""
    import transformers
    from transformers.quantizers.auto import AUTO_QUANTIZATION_CONFIG_MAPPING, AutoHfQuantizer

    known = {*AUTO_QUANTIZATION_CONFIG_MAPPING, "bitsandbytes"} - {"gguf"}
    if method not in known:
        return f"transformers {transformers.__version__} does not know it"
    try:
        # gptqmodel writes notices to stdout when it is imported
        with redirect_stdout(io.StringIO()):
            quantizer = AutoHfQuantizer.from_config(settings | {"quant_method": method}, pre_quantized=True)
            quantizer.validate_environment(device_map={"": device}, weights_only=True)
    except (ImportError, RuntimeError, ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        if isinstance(error, ImportError) and method in EXTRAS:
            return f"packages for it are not installed: pip install 'harness[{EXTRAS[method]}]'"
        install = PACKAGES.get(method) if isinstance(error, ImportError) and "pip install" not in str(error) else None
        return one_line(error).rstrip(".") + (f" (pip install {install})" if install else "")
    return bool(getattr(getattr(quantizer, "quantization_config", None), "dequantize", False))
