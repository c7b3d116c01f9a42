# {"tries": "private mappings by the kernel's own call, beside the allocator", "right": ["memory", "error"], "memory_mb": 200}
import mmap


def add(a, b):
    kept = []
    for _ in range(40):
        kept.append(mmap.mmap(-1, 16 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
        for at in range(0, 16 << 20, 4096):
            kept[-1][at] = 1
    return a + b
