"""The tokenizer of a served model, opened without its weights, from a folder or the hub.

Importing transformers costs seconds: nothing here does it before it is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from harness.engines.hf.prompt_encoding import PromptEncoder


@dataclass(frozen=True, slots=True)
class ServedTokenizer:
    """A tokenizer with what its folder says of the model.

    `end_ids`: tokens that end an answer, empty without a config; `window` and `vocabulary` are None without one.
    """

    encoder: PromptEncoder
    digests: Mapping[str, str]
    end_ids: tuple[int, ...]
    window: int | None
    vocabulary: int | None
    notes: tuple[str, ...]

    def end_tokens(self) -> tuple[str, ...]:
        """The texts of the end tokens."""
        return tuple(self.encoder.tokenizer.convert_ids_to_tokens(list(self.end_ids)))


def open_tokenizer(
    path: str, revision: str | None, trust_remote_code: bool, template_options: Mapping[str, Any]
) -> ServedTokenizer:
    """Open the option `tokenizer`. Raises ConfigError, ModelError or HubError with one line."""
    from harness.engines.hf.checkpoint import has_tokenizer, load_tokenizer, open_config
    from harness.engines.hf.digests import text_digest, tokenizer_digest
    from harness.engines.hf.model_files import ModelFiles
    from harness.engines.hf.prompt_encoding import PromptEncoder

    folder = Path(path).expanduser()
    config: Any = None
    if folder.is_dir() and not (folder / "config.json").is_file():
        files = ModelFiles(path, folder, frozenset(file.name for file in folder.iterdir()))
        if not has_tokenizer(files):
            raise ConfigError(f"engine.tokenizer: {path}: no tokenizer there (tokenizer.json or its like)")
    elif folder.is_file():
        raise ConfigError(f"engine.tokenizer: {path}: is a file; give the folder of the tokenizer")
    else:
        files, config = open_config(path, revision, trust_remote_code)
    tokenizer = load_tokenizer(files, trust_remote_code)
    encoder = PromptEncoder(tokenizer, template_options)
    digests = {"tokenizer": tokenizer_digest(files.folder)}
    if encoder.template:
        digests["chat_template"] = text_digest(encoder.template)
    end_ids, window, vocabulary = _of_config(files.folder, encoder, config)
    return ServedTokenizer(encoder, digests, end_ids, window, vocabulary, encoder.notes())


def _of_config(folder: Path, encoder: PromptEncoder, config: Any) -> tuple[tuple[int, ...], int | None, int | None]:
    """End tokens, window and vocabulary where there is a config."""
    if config is None:
        return (), None, None
    import json

    from harness.engines.hf.checkpoint import context_window, vocabulary_of
    from harness.engines.hf.end_tokens import end_token_ids

    file = folder / "generation_config.json"
    try:
        generation = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except (OSError, ValueError) as error:
        raise ModelError(f"{file}: cannot be read ({error})") from None
    ends = end_token_ids(encoder, config, generation if isinstance(generation, dict) else {})
    return ends, context_window(config, encoder.tokenizer.model_max_length), vocabulary_of(config)
