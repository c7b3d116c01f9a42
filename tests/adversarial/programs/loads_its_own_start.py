# {"tries": "leaves start-up files that a later interpreter in the same folder would run", "right": ["passed"]}
import os
import subprocess
import sys

for name in ("sitecustomize.py", "usercustomize.py", "json.py", "os.py", "conftest.py", "harness.py"):
    with open(name, "w") as file:
        file.write("import builtins\nbuiltins.print('@MARK@')\n")
os.environ["PYTHONPATH"] = os.environ["PYTHONSTARTUP"] = os.environ["LD_PRELOAD"] = os.getcwd()
subprocess.run([sys.executable, "-c", "pass"], stdin=subprocess.DEVNULL)


def add(a, b):
    return a + b
