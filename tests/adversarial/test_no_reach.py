"""What a program must not see or touch. Each program returns what it reached; only `nothing` passes."""

# ruff: noqa: E501 - a hostile or honest program is data, and reads best as its author would write it

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.execution.base import Verdict

Try = Callable[..., Verdict]
HERE = Path(__file__).resolve()


def found(attempt: Try, program: str) -> str:
    """Run `look()` of the program; return what it brought back."""
    verdict = attempt(program + "\nprint('found', look() or 'nothing', flush=True)", tests="assert look")
    assert verdict.status == "passed", verdict
    return verdict.output.strip().removeprefix("found ")


def test_environment_of_the_harness(attempt: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_do_not_tell")
    assert found(attempt, "import os\ndef look(): return os.environ.get('HF_TOKEN')") == "nothing"
    search = (
        "import glob\ndef look():\n    for path in glob.glob('/proc/*/environ') + glob.glob('/proc/*/mem'):\n"
        "        try:\n            if b'hf_do_not' + b'_tell' in open(path, 'rb').read(1 << 20): return path\n"
        "        except (OSError, ValueError): pass\n"
    )
    assert found(attempt, search) == "nothing"


def test_files_of_the_machine(attempt: Try, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    tmp_path.chmod(0o777)
    secret.chmod(0o666)
    paths = ["/etc/passwd", "/etc/shadow", "/home", "/var", str(secret), str(HERE), sys.argv[0]]
    # The interpreter itself may live in a home folder; nothing else of it may be seen.
    paths += [str(path) for path in Path.home().iterdir() if not sys.base_prefix.startswith(str(path))]
    look = f"import os\ndef look(): return [path for path in {paths!r} if os.path.exists(path)]"
    assert found(attempt, look) == "nothing"


def test_writing_outside_of_the_work_folder(attempt: Try) -> None:
    look = (
        "import os\ndef look():\n    done = []\n    for folder in ('/', '/usr', '/usr/lib', '/proc', '/dev', os.path.dirname(os.__file__)):\n"
        "        try:\n            open(folder + '/harness-was-here', 'w').close()\n            done.append(folder)\n"
        "        except OSError: pass\n    return done"
    )
    assert found(attempt, look) == "nothing"
    assert not (Path(os.__file__).parent / "harness-was-here").exists()


def test_what_one_program_writes_the_next_does_not_see(attempt: Try) -> None:
    look = "import os\ndef look():\n    seen = os.listdir('/work') + os.listdir('/tmp') + os.listdir('/dev/shm')\n    open('left', 'w').close()\n    return seen"
    assert found(attempt, look) == "nothing"
    assert found(attempt, look) == "nothing"


def test_network(attempt: Try) -> None:
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(f"\0harness-test-{os.getpid()}")
        unix.listen()
        tcp.settimeout(0.2)
        look = (
            f"import socket\ndef look():\n    done = []\n    for family, address in ((2, {tcp.getsockname()!r}), (1, {unix.getsockname()!r})):\n"
            "        try:\n            socket.socket(family).connect(address)\n            done.append(address)\n        except OSError: pass\n"
            "    try:\n        socket.socket(2, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))\n        done.append('udp')\n"
            "    except OSError: pass\n    return done"
        )
        assert found(attempt, look) == "nothing"
        with pytest.raises(TimeoutError):
            tcp.accept()


def test_processes_of_the_machine(attempt: Try) -> None:
    bystander = subprocess.Popen(["/bin/sleep", "60"])
    try:
        look = f"import os\ndef look():\n    try:\n        os.kill({bystander.pid}, 9)\n        return 'killed'\n    except ProcessLookupError: pass\n"
        assert found(attempt, look) == "nothing"
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_its_own_watcher(attempt: Try) -> None:
    look = (
        "import ctypes, os\ndef look():\n    done = []\n    try:\n        os.kill(1, 9)\n        done.append('signalled')\n    except PermissionError: pass\n"
        "    if ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0: done.append('traced')\n"
        "    for name in ('mem', 'environ', 'fd/1'):\n        try:\n            open('/proc/1/' + name, 'rb').close()\n            done.append(name)\n"
        "        except OSError: pass\n    return done"
    )
    # A signal to process 1 from within is allowed to one user's own, and ignored by the kernel.
    assert found(attempt, look) in ("nothing", "['signalled']")


def test_privileges(attempt: Try) -> None:
    look = (
        "import ctypes, os, resource\ndef look():\n    done = []\n    libc = ctypes.CDLL(None)\n"
        "    for name, call in (('user namespace', lambda: libc.unshare(0x10000000)), ('mount', lambda: libc.mount(b'none', b'/work', b'tmpfs', 0, None)),\n"
        "                       ('chroot', lambda: libc.chroot(b'/work')), ('setuid', lambda: libc.setuid(0)), ('hostname', lambda: libc.sethostname(b'x', 1))):\n"
        "        if call() == 0: done.append(name)\n"
        "    for kind in (resource.RLIMIT_NPROC, resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE):\n"
        "        try:\n            resource.setrlimit(kind, (resource.RLIM_INFINITY,) * 2)\n            done.append(kind)\n        except (ValueError, OSError): pass\n"
        "    caps = [line.split()[1] for line in open('/proc/self/status') if line.startswith('Cap')]\n"
        "    done += [c for c in caps if int(c, 16)]\n    return done"
    )
    assert found(attempt, look) == "nothing"


def test_devices_and_shared_memory(attempt: Try) -> None:
    look = "import os\ndef look(): return sorted(set(os.listdir('/dev')) - {'null', 'full', 'random', 'urandom', 'shm', 'fd'})"
    assert found(attempt, look) == "nothing"
