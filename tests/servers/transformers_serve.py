"""`transformers serve` on the CPU in float32, the one model loaded.

As a program: `python transformers_serve.py MODEL_FOLDER [--port 8080]`. It prints `ready URL` and ends with the process
that started it.
"""

from __future__ import annotations

import argparse
import os
import socket
import time

from until_parent_ends import wait_for_parent


def main() -> None:
    """Serve until the parent ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    port = options.port or _free_port()

    import torch
    from transformers.cli.serve import Serve

    torch.set_num_threads(1)
    # The model's name becomes that of its folder: requests must state it as it is here
    serve = Serve(
        force_model=options.model, device="cpu", dtype="float32", host="127.0.0.1", port=port, non_blocking=True
    )
    while not serve.server.started:
        time.sleep(0.02)
    print(f"ready http://127.0.0.1:{port}/v1", flush=True)
    # Its log goes to standard output too, which is not read any more
    os.dup2(2, 1)
    wait_for_parent()
    os._exit(0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
