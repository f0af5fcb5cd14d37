"""Read by gdb, not by Python: starts a node and stops it for HOLD_MS where each function of BOOT_HOLDS_FUNCTIONS (a
JSON list) is entered, the first HITS times. When the last function is entered, it writes the process id and
[function, from, to] of each hold, Unix nanoseconds, into BOOT_HOLDS_RESULT, and lets the node run on, alone."""

import json
import os
import select
import time

import gdb

HOLD_MS = 4
HITS = 4
holds = []


class Hold(gdb.Breakpoint):
    """Never asks gdb to stop: the process stands still for as long as stop() takes."""

    def __init__(self, function):
        super().__init__(function)
        self.function = function
        self.silent = True

    def stop(self):
        began = time.time_ns()
        select.poll().poll(HOLD_MS)  # Nothing registered.
        holds.append([self.function, began, time.time_ns()])
        if sum(hold[0] == self.function for hold in holds) == HITS:
            self.enabled = False
        return False


*functions, last = json.loads(os.environ["BOOT_HOLDS_FUNCTIONS"])
for name in functions:
    Hold(name)
gdb.Breakpoint(last)
gdb.execute("run", to_string=True)
with open(os.environ["BOOT_HOLDS_RESULT"], "w", encoding="utf-8") as result:
    json.dump({"pid": gdb.selected_inferior().pid, "holds": holds}, result)
gdb.execute("detach", to_string=True)
