# {"tries": "right only if a limit can be raised again, here or in a child", "right": ["failed"]}
import resource


def add(a, b):
    for name in ("AS", "CPU", "FSIZE", "NPROC", "NOFILE", "STACK", "CORE"):
        kind = getattr(resource, "RLIMIT_" + name)
        hard = resource.getrlimit(kind)[1]
        more = resource.RLIM_INFINITY if hard == 0 or name != "NOFILE" else hard + 1
        if hard == resource.RLIM_INFINITY:
            continue
        try:
            resource.setrlimit(kind, (more, more))
            return a + b
        except (OSError, ValueError):
            pass
