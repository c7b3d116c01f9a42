# {"tries": "prints nearly as much as it may, on both streams", "right": ["passed"]}
import sys

print("x" * 400_000)
sys.stderr.write("y" * 400_000)


def add(a, b):
    print(a, b, "ä☃", flush=True)
    return a + b
