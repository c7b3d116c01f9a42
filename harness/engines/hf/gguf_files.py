"""GGUF files, which transformers unpacks into a model of its own class: which can be read here, and what they hold.

Guarantees: an architecture or a tokenizer that transformers would not read as llama.cpp does is refused; an
architecture that the hub states is refused before the file is downloaded. Does not run the packed blocks: the weights
are unpacked into the precision of the run, and what rounding did to them stays.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.engines.hf.installed import installed
from harness.errors import ConfigError, ModelError

ENDING = ".gguf"
PART = re.compile(r"-\d{5}-of-\d{5}\.gguf$")
# `general.file_type` (enum llama_ftype of llama.cpp)
FILE_TYPES = {
    **{0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S"},
    **{12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K"},
    **{19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL"},
    **{26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16"},
    **{36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE"},
}
# How llama.cpp splits a text before the merges, by its own name of it (llama-vocab.cpp): digits one by one and then
# GPT-2's pattern, or that alone. transformers knows others, and takes GPT-2's pattern for those that it does not know
SINGLE_DIGITS = frozenset({"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"})
AS_GPT2 = frozenset({"gpt-2", "mpt", "olmo", "jais", "trillion"})


def split_file(path: str) -> tuple[str, str | None]:
    """A model's place and the GGUF file in it: `ORG/NAME:FILE.gguf`, `FOLDER:FILE.gguf`, `FOLDER/FILE.gguf`."""
    place, colon, file = path.rpartition(":")
    if colon and file.endswith(ENDING) and place:
        return place, file
    whole = Path(path).expanduser()
    if path.endswith(ENDING) and whole.is_file():
        return str(whole.parent), whole.name
    return path, None


def chosen(name: str, names: Iterable[str], wanted: str | None) -> str | None:
    """The GGUF file to read; None where the place holds none. Raises ConfigError where the choice is the user's."""
    files = sorted(one for one in names if one.endswith(ENDING))
    listed = ", ".join(files)
    if wanted is not None and wanted not in files:
        raise ConfigError(f"{name}: has no file {wanted}; it has {listed or 'no GGUF file'}")
    if wanted is None and len(files) > 1:
        raise ConfigError(f"{name}: has {len(files)} GGUF files; name one, as in {name}:{files[0]} ({listed})")
    found = wanted or (files[0] if files else None)
    if found is not None and PART.search(found):
        raise ModelError(
            f"{name}: {found} is one part of several, which transformers does not read; "
            "join them (`llama-gguf-split --merge`), or choose a file that is whole"
        )
    return found


def refuse_architecture(name: str, architecture: Any) -> None:
    """Raise ModelError for an architecture that transformers does not read, and where a package is missing."""
    import transformers
    from transformers.integrations.gguf import GGUF_CONFIG_ARCHS
    from transformers.modeling_gguf_pytorch_utils import GGUF_SUPPORTED_ARCHITECTURES

    # Names of llama.cpp that transformers renames
    renamed = {"qwen2moe", "qwen3moe", "gpt-oss", "gpt_oss", "minimax-m2"}
    if architecture not in {*GGUF_CONFIG_ARCHS, *GGUF_SUPPORTED_ARCHITECTURES, *renamed}:
        raise ModelError(
            f"{name}: transformers {transformers.__version__} does not read GGUF files of the architecture "
            f"{architecture!r}; choose the original weights (safetensors), or serve the file with llama-server "
            "(--endpoint)"
        )
    for package in ("gguf", "accelerate"):
        if not installed(package):
            raise ModelError(f"{name}: a GGUF file needs the package {package}: pip install 'harness[gguf]'")


def metadata_of(name: str, file: Path) -> Mapping[str, Any]:
    """What the file says of itself, lists as their lengths. Raises ModelError for a file that is no GGUF file."""
    from transformers.integrations.gguf import read_gguf_metadata

    try:
        found: Mapping[str, Any] = read_gguf_metadata(str(file))[0]
    except (ValueError, LookupError, TypeError, struct.error, OSError, UnicodeError, OverflowError) as error:
        raise ModelError(f"{name}: is no whole GGUF file ({error or type(error).__name__}); copy it again") from None
    return found


def words_of_file(metadata: Mapping[str, Any]) -> str:
    """How the numbers are stored: "Q4_K_M (GGUF)"."""
    return f"{FILE_TYPES.get(metadata.get('general.file_type'), 'mixed')} (GGUF)"  # type: ignore[arg-type]


def parameters_of(file: Path) -> int:
    """How many numbers the file's tensors stand for."""
    from transformers.integrations.gguf import GgufHeader

    return sum(math.prod(tensor.shape) for tensor in GgufHeader.from_file(str(file)).tensors)


def set_splitting(name: str, tokenizer: Any, metadata: Mapping[str, Any]) -> None:
    """Make a tokenizer from the file split texts as llama.cpp does. Raises ModelError for a way that is unknown."""
    from tokenizers import pre_tokenizers
    from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS

    if metadata.get("tokenizer.ggml.model") != "gpt2":
        return
    way = metadata.get("tokenizer.ggml.pre")
    if way in SINGLE_DIGITS:
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
    elif way not in AS_GPT2 and way not in GGUF_PRE_TOKENIZER_SPLITS:
        raise ModelError(
            f"{name}: its tokenizer splits texts in the way {way!r}, which transformers does not know, so prompts "
            "would become other tokens; put the original tokenizer.json beside the file"
        )
