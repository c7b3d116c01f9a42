"""A checkpoint's config and tokenizer, read and checked before any weight is.

Guarantees: what `open_checkpoint` returns is a causal language model with a usable tokenizer; code of the
repository runs only if the user allowed it; each refusal is one line with a remedy. Importing
transformers' tokenizers imports torch, which costs seconds: nothing here does it before it is called.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness import hub
from harness.engines.hf.adapters import AdapterConfig, embedded_rows, refuse_misfit
from harness.engines.hf.gguf_files import metadata_of, parameters_of, refuse_architecture, set_splitting, words_of_file
from harness.engines.hf.model_files import ModelFiles, fetch_weights, one_line
from harness.engines.hf.quantise import require_packages, roundable, words_of_kind
from harness.engines.hf.quantised import stored_precision
from harness.engines.hf.repository_kinds import ADAPTER
from harness.engines.hf.sources import find_model
from harness.errors import ConfigError, ModelError

TOKENIZER_MARKS = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tekken.json",
)
NOT_CAUSAL = (
    "ForMaskedLM",
    "ForSequenceClassification",
    "ForTokenClassification",
    "ForQuestionAnswering",
    "ForMultipleChoice",
    "ForPreTraining",
)
WINDOW_KEYS = (
    "max_position_embeddings",
    "n_positions",
    "n_ctx",
    "max_seq_len",
    "max_sequence_length",
    "seq_length",
)
# Share of an embedding's rows by which a vocabulary may be larger; prompts with such tokens are refused one by one
BEYOND = 0.01
# Tokenizers without a limit give about 1e30.
NO_LIMIT = 10**9


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Config, tokenizer and defaults of one model.

    `generation` and `tokenizer_config` are the contents of those files, empty where they are missing; `stored`: how
    the weights are quantised in the files, in words, and `quantize`: how they are rounded when they load; None for
    weights that are not; `adapter`: of an adapter that is applied, which makes the embedding have `rows` rows.
    """

    files: ModelFiles
    config: Any
    tokenizer: Any
    generation: dict[str, Any]
    tokenizer_config: dict[str, Any]
    trust_remote_code: bool
    context_window: int | None
    stored: str | None = None
    quantize: str | None = None
    adapter: AdapterConfig | None = None
    rows: int | None = None

    @property
    def packed(self) -> str | None:
        """How the weights are kept in memory, in words; None for plain ones."""
        return words_of_kind(self.quantize) if self.quantize else self.stored


def open_checkpoint(
    path: str,
    revision: str | None,
    trust_remote_code: bool,
    *,
    device: str = "cpu",
    adapter: str | None = None,
    quantize: str | None = None,
) -> Checkpoint:
    """Find and read a model's small files. Raises ConfigError, ModelError or HubError with one line.

    `device` is where it will run: some ways of quantising need a GPU.
    """
    if quantize is not None:
        require_packages(quantize)
    sources = find_model(path, revision, adapter)
    files = sources.files
    config, stored = _opened_gguf(files) if files.gguf else _opened_config(files, trust_remote_code, device)
    if stored is not None and quantize is not None:
        raise ConfigError(f"quantize: {files.name} is quantised already: {stored}; leave --quantize out")
    rows = _fit_adapter(files, config, trust_remote_code) if files.adapter else None
    tokenizer = load_tokenizer(files, trust_remote_code)
    _check_ids(files, {} if files.gguf else _json(files, "config.json"), config, tokenizer)
    generation, of_tokenizer = files.folder / "generation_config.json", tokenizer_folder(files)
    window = context_window(config, tokenizer.model_max_length)
    if window == 1:
        raise ModelError(f"{files.name}: config.json: a context window of 1 token leaves no tokens for an answer")
    return Checkpoint(
        files=files,
        config=config,
        tokenizer=tokenizer,
        generation=_json(files, generation.name) if generation.is_file() and not files.gguf else {},
        tokenizer_config=_tokenizer_config(files, of_tokenizer),
        trust_remote_code=trust_remote_code,
        context_window=window,
        stored=stored,
        quantize=quantize,
        adapter=sources.adapter,
        rows=rows,
    )


def _opened_config(files: ModelFiles, trust_remote_code: bool, device: str) -> tuple[Any, str | None]:
    """The config of a checkpoint, and how its weights are quantised."""
    config = _checked_config(files, "config.json", trust_remote_code)
    files.weight_names()
    if ADAPTER in files.names:
        # transformers would load the base model in its place where peft is installed
        raise ModelError(f"{files.name}: holds whole weights and an adapter ({ADAPTER}); keep one of the two")
    return config, stored_precision(files, _json(files, "config.json"), device)


def _opened_gguf(files: ModelFiles) -> tuple[Any, str]:
    """The config that a GGUF file holds, and how its numbers are stored; a hub's file is downloaded for it."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    assert files.gguf is not None
    _silence()
    fetch_weights(files)
    metadata = metadata_of(files.name, files.folder / files.gguf)
    refuse_architecture(files.name, metadata.get("general.architecture"))
    config = _load_config(files, "config.json", trust_remote_code=False)
    if config.model_type not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise ConfigError(
            f"{files.name}: a {config.model_type} model is not a causal language model; choose one that is"
        )
    return config, words_of_file(metadata)


def _fit_adapter(files: ModelFiles, config: Any, trust_remote_code: bool) -> int | None:
    """Refuse an adapter that does not fit; return the rows of an embedding that it brings, which `config` has then."""
    assert files.adapter is not None
    rows = embedded_rows(files.adapter)
    if rows is not None:
        config.get_text_config().vocab_size = rows
    refuse_misfit(files.adapter, files.name, config, trust_remote_code=trust_remote_code)
    return rows


def open_config(
    path: str, revision: str | None, trust_remote_code: bool, adapter: str | None = None
) -> tuple[ModelFiles, Any]:
    """Read a model's config alone, of a folder, a hub id, a GGUF file or a bare JSON file; nothing else must be there.

    Raises ConfigError, ModelError or HubError with one line.
    """
    file = Path(path).expanduser()
    if not file.is_file() or file.suffix == ".gguf":
        files = find_model(path, revision, adapter).files
        config = _opened_gguf(files)[0] if files.gguf else _checked_config(files, "config.json", trust_remote_code)
        if files.adapter is not None:
            _fit_adapter(files, config, trust_remote_code)
        return files, config
    if revision:
        raise ConfigError(f"{path}: a file has no revisions; leave `revision` out or give a hub id")
    files = ModelFiles(path, file.parent, frozenset((file.name,)))
    return files, _checked_config(files, file.name, trust_remote_code)


def tokenizer_folder(files: ModelFiles) -> Path | None:
    """The folder with the tokenizer's files: the adapter's, if it has one; None where a GGUF file holds it."""
    if files.adapter is not None and _has_marks(files.adapter.names):
        return files.adapter.folder
    return None if files.gguf and not _has_marks(files.names) else files.folder


def _tokenizer_config(files: ModelFiles, folder: Path | None) -> dict[str, Any]:
    if folder is None or not (folder / "tokenizer_config.json").is_file():
        return {}
    return _json(replace(files, folder=folder), "tokenizer_config.json")


def _has_marks(names: frozenset[str]) -> bool:
    return bool({*TOKENIZER_MARKS} & names) or any(name.endswith(".tiktoken") for name in names)


def has_tokenizer(files: ModelFiles) -> bool:
    """Whether one of the files that tokenizers are made of is there."""
    return bool(files.gguf) or any(_has_marks(one.names) for one in (files, files.adapter) if one is not None)


def kv_bytes_per_token(config: Any, item_bytes: int) -> int | None:
    """Bytes that one token of one row takes in a plain key-value cache; None where the config does not give it."""
    text = config.get_text_config()
    try:
        heads, layers = getattr(text, "num_attention_heads", None), getattr(text, "num_hidden_layers", None)
        if not heads or not layers or getattr(text, "kv_lora_rank", None):
            return None
        rows = getattr(text, "num_key_value_heads", None) or getattr(text, "num_kv_heads", None) or heads
        width = getattr(text, "head_dim", None) or text.hidden_size // heads
        return int(2 * layers * rows * width * item_bytes)
    except (AttributeError, RuntimeError, ValueError, TypeError):
        return None  # settings that differ from layer to layer


def weights_bytes(checkpoint: Checkpoint, item_bytes: int) -> int | None:
    """Bytes of the weights in memory in a precision of `item_bytes`: exact for safetensors, else by the files."""
    if checkpoint.quantize is not None:
        code = checkpoint.trust_remote_code
        return roundable(checkpoint.config, trust_remote_code=code).bytes_in(checkpoint.quantize, item_bytes)
    if checkpoint.files.gguf is not None:
        return parameters_of(checkpoint.files.folder / checkpoint.files.gguf) * item_bytes
    size = checkpoint.files.weights_bytes()
    if size is None or checkpoint.stored is not None:
        return size
    if (parameters := checkpoint.files.parameters()) is not None:
        return parameters * item_bytes
    stored = getattr(checkpoint.config, "dtype", None)
    if stored is None:
        return size
    stored_bytes = getattr(stored, "itemsize", None) or (4 if "32" in str(stored) else 2)
    return size * item_bytes // int(stored_bytes)


def stumbles() -> tuple[type[Exception], ...]:
    """What transformers raises where a model's files make no sense."""
    from huggingface_hub.errors import StrictDataclassError

    plain = (OSError, ValueError, LookupError, TypeError, AttributeError, ImportError, RuntimeError, ArithmeticError)
    return (*plain, AssertionError, StrictDataclassError)


def vocabulary_of(config: Any) -> int | None:
    """How many rows the embedding has by the config; None where it gives none."""
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    size = getattr(text, "vocab_size", None)
    return size if isinstance(size, int) and size > 0 else None


def _check_ids(files: ModelFiles, raw: dict[str, Any], config: Any, tokenizer: Any) -> None:
    """Raise ModelError where tokenizer and embedding cannot belong together, or the padding lies outside of both."""
    vocabulary = vocabulary_of(config)
    if vocabulary is None:
        return
    pad = raw.get("pad_token_id")
    if isinstance(pad, int) and pad >= vocabulary:
        raise ModelError(
            f"{files.name}: config.json: pad_token_id {pad} is no token of the model (0 to {vocabulary - 1})"
        )
    # Tokens that were added beside the vocabulary (such as a padding token) may lack a row and never be used
    beyond = tokenizer.vocab_size - vocabulary
    if beyond > vocabulary * BEYOND:
        raise ModelError(
            f"{files.name}: its tokenizer has {tokenizer.vocab_size} tokens, the model's embedding {vocabulary} rows, "
            "so they do not belong together; copy the tokenizer files again"
        )


def _silence() -> None:
    """Keep transformers' notices and bars away: stdout is for results, stderr for our progress."""
    import logging

    # Where torchao is installed transformers imports it, and it reports each of its libraries that is for another GPU
    for name in ("torchao", "torch.utils._pytree", "bitsandbytes"):
        logging.getLogger(name).setLevel(logging.ERROR)
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def _checked_config(files: ModelFiles, name: str, trust_remote_code: bool) -> Any:
    hub.quiet()
    raw = _json(files, name)
    _check_code(files, raw, trust_remote_code)
    _silence()
    config = _load_config(files, name, trust_remote_code)
    if not _own_code(raw, trust_remote_code):
        _check_causal(files, raw)
    return config


def _json(files: ModelFiles, name: str) -> dict[str, Any]:
    try:
        data = json.loads((files.folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{files.name}: {name} cannot be read ({one_line(error)})") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{files.name}: {name} must be a JSON object")
    return data


def _own_code(raw: dict[str, Any], trust_remote_code: bool) -> bool:
    return trust_remote_code and bool(raw.get("auto_map"))


def _check_code(files: ModelFiles, raw: dict[str, Any], trust_remote_code: bool) -> None:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    kind = raw.get("model_type")
    if kind is not None and not isinstance(kind, str):
        raise ModelError(f"{files.name}: config.json: model_type must be a name (found {kind!r})")
    if kind in CONFIG_MAPPING_NAMES or _own_code(raw, trust_remote_code):
        return
    if raw.get("auto_map"):
        raise ConfigError(
            f"{files.name}: needs code from its own repository; read that code, then pass --trust-remote-code"
        )
    import transformers

    what = f"model_type {kind!r} is unknown" if kind else "config.json names no model_type"
    raise ConfigError(f"{files.name}: {what} to transformers {transformers.__version__}")


def _check_causal(files: ModelFiles, raw: dict[str, Any]) -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    kind, classes = raw["model_type"], raw.get("architectures") or []
    wrong_head = bool(classes) and all(str(name).endswith(NOT_CAUSAL) for name in classes)
    encoder = wrong_head and not str(classes[0]).startswith("GPT2") and not raw.get("is_decoder")
    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or encoder:
        shown = f" ({', '.join(map(str, classes))})" if classes else ""
        raise ConfigError(f"{files.name}: a {kind} model{shown} is not a causal language model; choose one that is")


def _load_config(files: ModelFiles, name: str, trust_remote_code: bool) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(
            files.folder if name == "config.json" else files.folder / name,
            trust_remote_code=trust_remote_code,
            local_files_only=not trust_remote_code,
            **({"gguf_file": files.gguf} if files.gguf else {}),
        )
    except stumbles() as error:
        raise ModelError(f"{files.name}: {name} cannot be used ({one_line(error)})") from None


def load_tokenizer(files: ModelFiles, trust_remote_code: bool) -> Any:
    """Load the tokenizer that lies beside a config or an adapter, or in a GGUF file.

    Raises ConfigError or ModelError with one line.
    """
    from transformers import AutoTokenizer

    if not has_tokenizer(files) and not trust_remote_code:
        raise ConfigError(f"{files.name}: no tokenizer there (tokenizer.json or its like); copy it beside the weights")
    try:
        folder = tokenizer_folder(files)
        tokenizer = AutoTokenizer.from_pretrained(
            folder or files.folder,
            trust_remote_code=trust_remote_code,
            local_files_only=not trust_remote_code,
            **({"gguf_file": files.gguf} if folder is None else {}),
        )
    except stumbles() as error:
        raise ModelError(f"{files.name}: its tokenizer cannot be loaded ({one_line(error)})") from None
    if folder is None and files.gguf:
        set_splitting(files.name, tokenizer, metadata_of(files.name, files.folder / files.gguf))
    if not len(tokenizer):
        raise ModelError(f"{files.name}: its tokenizer has no vocabulary; copy the tokenizer files again")
    if not isinstance(tokenizer.chat_template, str | dict | None):
        raise ModelError(f"{files.name}: tokenizer_config.json: chat_template must be text")
    return tokenizer


def context_window(config: Any, limit: int | None = None) -> int | None:
    """Tokens that prompt and answer share, by the config, else by the tokenizer's `limit`; None if neither gives it."""
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    for key in WINDOW_KEYS:
        value = getattr(text, key, None)
        if isinstance(value, int) and value > 0:
            return value
    return int(limit) if limit and limit < NO_LIMIT else None
