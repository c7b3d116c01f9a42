"""A model's facts as labelled lines for a reader, and as one document for machines. Unknown facts are marked as such.

Counts are given whole in the document and rounded in the lines; sizes of files are in powers of 1000, memory in GiB.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.models.inspect import Inspection

UNKNOWN = "unknown"
FILES_NAMED = 8
WIDTH = 12


def lines(seen: Inspection) -> Iterator[str]:
    """Yield label and value of each fact; further lines of one fact have no label."""
    for label, values in _facts(seen):
        for number, value in enumerate(values):
            yield f"{label if number == 0 else '':<{WIDTH}} {value}"


def document(seen: Inspection) -> dict[str, Any]:
    """Everything, unrounded; keys of what is not known hold null."""
    facts, counted, kept = seen.facts, seen.parameters, seen.attention.cache
    return {
        "model": {
            "name": seen.name,
            "path": seen.path,
            "revision": facts.revision if facts else None,
            "class": seen.model_class,
            "type": seen.model_type,
            "licence": seen.licence,
            "parameters": counted.total if counted else None,
            "active_parameters": counted.active if counted else None,
            "active_parameters_without_input_embedding": counted.active_without_embedding if counted else None,
            "routed_parameters": counted.routed if counted else None,
            "experts": counted.experts if counted else None,
            "experts_per_token": counted.used if counted else None,
            "stored_parameters": seen.stored,
            "layers": seen.layers,
            "attention": {"kind": seen.attention.kind, "detail": seen.attention.detail},
            "kv_cache": {
                "elements_per_token": float(kept.per_token) if kept else None,
                "elements_per_first_token": float(kept.per_first_token) if kept else None,
                "longest_window": kept.longest_window if kept else None,
                "twin_computed": None if seen.cache.tiny_computed is None else float(seen.cache.tiny_computed),
                "twin_measured": None if seen.cache.tiny is None else float(seen.cache.tiny.per_token),
                "agree": seen.cache.agree,
            },
            "context_window": seen.context_window,
            "vocabulary": seen.tokenizer.vocabulary if seen.tokenizer else seen.vocabulary,
            "embedded_tokens": seen.vocabulary,
            "tokenizer": _tokenizer_document(seen),
            "files": [{"name": name, "bytes": size} for name, size in seen.files],
            "memory": [
                {"precision": one.precision, "weights": one.weights, "context": one.context, "kv_cache": one.cache}
                for one in seen.memory
            ],
            "end_tokens": list(facts.end_tokens) if facts else None,
            "chat_template": "chat_template" in facts.digests if facts else None,
            "digests": dict(facts.digests) if facts else {},
            "notes": list(seen.notes),
        },
        "engine": {
            "name": seen.engine,
            "level": seen.level.name,
            "level_of": seen.level.of,
            "style": facts.style if facts else None,
            "device": facts.device if facts else None,
            "dtype": facts.dtype if facts else None,
            "weights_bytes": facts.weights_bytes if facts else None,
            "kv_bytes_per_token": facts.kv_bytes_per_token if facts else None,
            "generation": dict(facts.generation) if facts else {},
            "notes": list(facts.notes if facts else seen.level.notes),
        },
    }


def _tokenizer_document(seen: Inspection) -> dict[str, Any] | None:
    if (tokenizer := seen.tokenizer) is None:
        return None
    return {
        "kind": tokenizer.kind,
        "unit": tokenizer.unit,
        "normaliser": tokenizer.normaliser,
        "bytes_per_token": dict(tokenizer.bytes_per_token),
    }


def _facts(seen: Inspection) -> Iterator[tuple[str, list[str]]]:
    facts = seen.facts
    revision = f", revision {facts.revision}" if facts and facts.revision else ""
    yield "model", [f"{seen.name} ({seen.path}{revision})"]
    yield "class", [f"{seen.model_class} (type {seen.model_type})"]
    yield "licence", [seen.licence or UNKNOWN]
    yield "parameters", _parameters(seen)
    yield "active", _active(seen)
    yield "layers", [_whole(seen.layers)]
    attention = seen.attention
    yield "attention", [f"{attention.kind}: {attention.detail}" if attention.detail else attention.kind]
    yield "KV cache", _cache(seen)
    yield "window", [f"{seen.context_window:,} tokens" if seen.context_window else UNKNOWN]
    yield "vocabulary", [_vocabulary(seen)]
    yield "tokenizer", _tokenizer(seen)
    yield "files", _files(seen)
    yield "memory", _memory(seen)
    if facts:
        style = "the model's own chat template" if "chat_template" in facts.digests else "no chat template"
        yield "end tokens", [", ".join(map(repr, facts.end_tokens)) or "none"]
        yield "style", [f"{facts.style} ({style})"]
        yield "runs as", [f"{facts.dtype} on {facts.device}, weights {_gibibytes(facts.weights_bytes)}"]
    tried = {
        "weights": "checked against transformers",
        "twin": "of a tiny random model in float32; the weights were not tried",
    }
    yield "level", [f"{seen.level.name} ({tried[seen.level.of]})"]
    if facts:
        yield from (("digest", [f"{name} {digest}"]) for name, digest in facts.digests.items())
    yield from (("note", [note]) for note in (*seen.notes, *(facts.notes if facts else seen.level.notes)))


def _parameters(seen: Inspection) -> list[str]:
    if seen.parameters is None:
        return [UNKNOWN]
    total = seen.parameters.total
    lines = [f"{total:,} ({_rounded(total)})"]
    if seen.stored is not None and seen.stored != total:
        more = seen.stored - total
        lines.append(f"the weight files hold {seen.stored:,}: {abs(more):,} {'more' if more > 0 else 'fewer'}")
    return lines


def _active(seen: Inspection) -> list[str]:
    counted = seen.parameters
    if counted is None or counted.active is None:
        return [f"{UNKNOWN}: the config does not give the experts per token, or they vary" if counted else UNKNOWN]
    without = f"{_rounded(counted.active_without_embedding)} without the input embedding"
    if not counted.routed:
        return [f"all of them for each token; {without}" if counted.input_embedding else "all of them for each token"]
    lines = f"{_rounded(counted.active)} for each token" + (f"; {without}" if counted.input_embedding else "")
    return [f"{lines} ({counted.used} of {counted.experts} routed experts a layer)"]


def _cache(seen: Inspection) -> list[str]:
    rule, cache = seen.attention.cache, seen.cache
    lines = []
    if rule is None:
        lines.append(f"{UNKNOWN}: the config does not give it")
    elif not rule.per_first_token:
        lines.append("0 bytes per token: the cache does not grow")
    else:
        grown = f"{_bytes(rule.per_token)} a token in bfloat16 ({_number(rule.per_token)} numbers)"
        if rule.longest_window:
            before = f"{_bytes(rule.per_first_token)} each"
            grown += f" beyond the windows; {before} until every window is full (after {rule.longest_window:,})"
        lines.append(grown)
    if rule is not None and rule.states:
        lines.append(f"in addition {rule.states} layers keep a state of fixed size, which is not counted here")
    if cache.tiny is None:
        lines.append("not measured: no tiny model of the class returns a cache")
        return lines
    measured = f"measured on a tiny model: {_number(cache.tiny.per_token)} numbers a token"
    if cache.agree is None:
        return [*lines, measured]
    computed = f"computed for the same model: {_number(cache.tiny_computed)}"
    verdict = "they agree" if cache.agree else "THEY DISAGREE, so do not rely on the figure above"
    return [*lines, f"{measured}; {computed}: {verdict}"]


def _vocabulary(seen: Inspection) -> str:
    embedded = f"{seen.vocabulary:,} embedded" if seen.vocabulary else f"{UNKNOWN} number embedded"
    return f"{seen.tokenizer.vocabulary:,} tokens, {embedded}" if seen.tokenizer else embedded


def _tokenizer(seen: Inspection) -> list[str]:
    tokenizer = seen.tokenizer
    if tokenizer is None:
        return ["none"]
    normaliser = f"normaliser {tokenizer.normaliser}" if tokenizer.normaliser else "no normaliser"
    rates = ", ".join(f"{name} {rate:.2f}" for name, rate in tokenizer.bytes_per_token.items())
    return [f"{tokenizer.kind} of {tokenizer.unit}, {normaliser}", f"bytes a token on fixed samples: {rates}"]


def _files(seen: Inspection) -> list[str]:
    known = [size for _, size in seen.files if size is not None]
    total = _size(sum(known)) + ("" if len(known) == len(seen.files) else " and more")
    largest = sorted(seen.files, key=lambda file: -(file[1] or 0))[:FILES_NAMED]
    named = ", ".join(f"{name} {UNKNOWN if size is None else _size(size)}" for name, size in largest)
    rest = len(seen.files) - len(largest)
    return [f"{len(seen.files)}, {total} in all: {named}" + (f", {rest} smaller" if rest > 0 else "")]


def _memory(seen: Inspection) -> list[str]:
    if not seen.memory:
        return [UNKNOWN]
    context = seen.memory[0].context
    row = f"KV of one row of {context:,} tokens" if context else "KV of one row"
    grid = [("in", "weights", row, "together")]
    for one in seen.memory:
        both = None if one.cache is None else one.weights + one.cache
        grid.append((one.precision, _gibibytes(one.weights), _gibibytes(one.cache), _gibibytes(both)))
    widths = [max(len(cells[at]) for cells in grid) for at in range(4)]
    lines = ["  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)) for cells in grid]
    return [
        *lines,
        "(int8, int4: linear layers as --quantize rounds them, bfloat16 else;",
        "activations and the engine's own buffers come in addition)",
    ]


def _rounded(count: int | None) -> str:
    if count is None:
        return UNKNOWN
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.2f} {unit}" if count < 10 * size else f"{count / size:.1f} {unit}"
    return str(count)


def _whole(count: int | None) -> str:
    return UNKNOWN if count is None else f"{count:,}"


def _number(elements: Fraction | None) -> str:
    if elements is None:
        return UNKNOWN
    return f"{int(elements):,}" if elements.denominator == 1 else f"{float(elements):,.2f}"


def _bytes(elements: Fraction) -> str:
    return f"{_number(2 * elements)} bytes"


def _size(size: int) -> str:
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


def _gibibytes(size: int | None) -> str:
    if size is None:
        return UNKNOWN
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{size / 2**20:,.1f} MiB"
