# {"tries": "right only if accounts, names, keys or homes of the machine can be read", "right": ["failed"]}
import os


def add(a, b):
    for path in ("/etc/passwd", "/etc/shadow", "/etc/machine-id", "/etc/hosts", "@CANARY@/secret", "@CHECKOUT@/README.md"):
        try:
            if open(path, "rb").read(1):
                return a + b
        except OSError:
            pass
    for folder in ("/home", "/var/lib", "/boot", "/mnt", "/srv", "/sys/class", "@CANARY@", "@CHECKOUT@/harness"):
        try:
            if os.listdir(folder):
                return a + b
        except OSError:
            pass
