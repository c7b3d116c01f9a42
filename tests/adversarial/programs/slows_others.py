# {"tries": "right only if it may change how processes of the machine are scheduled", "right": ["failed"]}
import os


def add(a, b):
    for pid in (@BYSTANDER@, @HOST@):
        ways = (
            lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
            lambda: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0)),
            lambda: os.sched_setaffinity(pid, {0}),
        )
        for way in ways:
            try:
                way()
                return a + b
            except OSError:
                pass
