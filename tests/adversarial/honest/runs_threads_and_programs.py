# {"tries": "a pool of threads, a shell pipe, a temporary folder", "right": ["passed"]}
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def add(a, b):
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(6) as pool:
        Path(folder, "note").write_text("one\ntwo\n")
        ran = subprocess.run(f"ls {folder} | wc -l", shell=True, capture_output=True, text=True)
        assert ran.stdout.strip() == "1"
        return list(pool.map(sum, [(a, b)] * 6))[3]
