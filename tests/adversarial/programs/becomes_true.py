# {"tries": "the process becomes /bin/true", "right": ["exited"]}
import os

for path in ("/bin/true", "/usr/bin/true"):
    if os.path.exists(path):
        os.execv(path, ["true"])
