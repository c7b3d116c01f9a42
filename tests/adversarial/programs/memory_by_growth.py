# {"tries": "grows until it is stopped, and swallows the refusal", "right": ["memory", "timeout"], "wall": 0.7, "memory_mb": 200}
def add(a, b):
    kept = []
    while True:
        try:
            kept.append(bytearray(b"x" * (1 << 20)))
        except MemoryError:
            pass
