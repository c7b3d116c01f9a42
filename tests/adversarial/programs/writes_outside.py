# {"tries": "right only if a file can be made outside of the work folder", "right": ["failed"]}
import os
import site
import sys


def add(a, b):
    folders = ["@CANARY@", "/", "/usr", "/usr/lib", "/usr/local/bin", "/var/tmp", "/home", "/root", "/etc", "/run", "/dev"]
    folders += ["/proc", "/sys", "@CHECKOUT@", os.path.dirname(os.__file__), sys.prefix, site.__file__ + "/.."]
    for folder in folders:
        try:
            with open(os.path.join(folder, "@MARK@"), "w") as file:
                file.write("here")
            return a + b
        except OSError:
            pass
