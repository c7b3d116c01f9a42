"""llama.cpp's own server (package `xllamacpp`), in float32 and with a float32 KV cache.

As a program: `python llama_server.py FILE.gguf [--port 8080] [--flash-attention on|off|auto] [--slots 4]`. It prints
`ready URL` and ends with the process that started it.
"""

from __future__ import annotations

import argparse
import os

from until_parent_ends import wait_for_parent


def main() -> None:
    """Serve until the parent ends."""
    import xllamacpp as llama

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gguf")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--flash-attention", choices=("on", "off", "auto"), default="off")
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--window", type=int, default=2048)
    options = parser.parse_args()

    kinds = llama.llama_flash_attn_type
    flash = {
        "on": kinds.LLAMA_FLASH_ATTN_TYPE_ENABLED,
        "off": kinds.LLAMA_FLASH_ATTN_TYPE_DISABLED,
        "auto": kinds.LLAMA_FLASH_ATTN_TYPE_AUTO,
    }
    params = llama.CommonParams()
    params.model.path = options.gguf
    params.model_alias = {"demo"}
    params.port = options.port
    # The window is shared out among the slots
    params.n_ctx = options.window * options.slots
    params.n_parallel = options.slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.cache_type_k = params.cache_type_v = llama.ggml_type.GGML_TYPE_F32
    params.flash_attn_type = flash[options.flash_attention]
    params.fit_params = params.warmup = params.ui = False
    params.verbosity = 0
    server = llama.Server(params)
    print(f"ready {server.listening_address}/v1", flush=True)
    wait_for_parent()
    # Requests may still be running; nothing here is worth waiting for
    os._exit(0)


if __name__ == "__main__":
    main()
