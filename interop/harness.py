"""Child processes and their JSON events, for the interop drivers.

One thread, one selector. A driver starts children through a Hub, and waits for conditions with deadlines by pumping
their output; nothing sleeps. Every child leads its own process group and dies with the driver (PR_SET_PDEATHSIG), so
that no way of ending the driver leaves a process behind.
"""

import ctypes
import json
import os
import selectors
import signal
import subprocess
import tempfile
import time

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
LINE_BYTES_MAX = 1 << 20


class Failure(Exception):
    """What a scenario found wrong; its text becomes the scenario's line."""


def die_with_parent():
    """Runs in the child between fork and exec."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """One running program. `on_event(event)` is called for each JSON line of its standard output."""

    def __init__(self, hub, name, command, on_event=None, stdin=subprocess.PIPE, stdout=subprocess.PIPE):
        self.hub, self.name, self.on_event = hub, name, on_event
        self.log_path = os.path.join(hub.log_dir, name + ".err")
        self.out_path = os.path.join(hub.log_dir, name + ".out")
        self.buffer = b""
        self.stopped_by_us = False
        with open(self.log_path, "wb") as log:
            self.proc = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=log, start_new_session=True,
                                         preexec_fn=die_with_parent)
        if self.proc.stdin:
            os.set_blocking(self.proc.stdin.fileno(), False)
        if self.proc.stdout:
            os.set_blocking(self.proc.stdout.fileno(), False)
            hub.selector.register(self.proc.stdout, selectors.EVENT_READ, self)

    def send_line(self, text):
        """Writes one line to standard input. A child that does not read its input fails the scenario."""
        data = text.encode() + b"\n"
        if self.proc.stdin.closed:
            raise Failure(f"{self.name} has ended{self.last_words()}")
        try:
            written = os.write(self.proc.stdin.fileno(), data)
        except (BlockingIOError, BrokenPipeError) as error:
            raise Failure(f"{self.name} does not take its input: {error}{self.last_words()}") from error
        if written != len(data):
            raise Failure(f"{self.name} does not read its standard input")

    def pump(self):
        """Reads what there is and hands over each whole line."""
        try:
            data = os.read(self.proc.stdout.fileno(), 1 << 16)
        except BlockingIOError:
            return
        if not data:
            self.close_pipes()
            return
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        if len(self.buffer) > LINE_BYTES_MAX:
            raise Failure(f"{self.name} printed a line of more than {LINE_BYTES_MAX} bytes")
        for line in lines:
            self.dispatch(line)

    def close_pipes(self):
        if self.proc.stdout and not self.proc.stdout.closed:
            self.hub.selector.unregister(self.proc.stdout)
            self.proc.stdout.close()
        if self.proc.stdin:
            self.proc.stdin.close()

    def dispatch(self, line):
        try:
            event = json.loads(line)
            kind = event["event"]
        except (ValueError, KeyError, TypeError):
            raise Failure(f"{self.name} printed something that is no event: {line[:200]!r}") from None
        if self.on_event:
            self.on_event(kind, event)

    def running(self):
        return self.proc.poll() is None

    def stderr_events(self, kind):
        """The JSON lines of that kind on standard error so far; other talk there is ignored."""
        events = []
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            for line in log:
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if isinstance(event, dict) and event.get("event") == kind:
                    events.append(event)
        return events

    def last_words(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            words = log.read().strip().splitlines()[-3:]
        return "; it said: " + " | ".join(w[:300] for w in words) if words else ""

    def signal(self, number):
        self.stopped_by_us = True
        if self.running():
            os.kill(self.proc.pid, number)

    def kill_group(self):
        self.stopped_by_us = True
        try:
            os.killpg(self.proc.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.proc.wait()
        self.close_pipes()


class Hub:
    """Owns the children of one scenario and the loop that reads them."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.children = []
        self.temp = tempfile.TemporaryDirectory(prefix="grapevine-interop-")
        self.log_dir = self.temp.name

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in self.children:
            child.kill_group()
        self.selector.close()
        self.temp.cleanup()

    def path(self, name):
        return os.path.join(self.log_dir, name)

    def start(self, name, command, **kwargs):
        child = Child(self, name, command, **kwargs)
        self.children.append(child)
        return child

    def pump(self, seconds):
        """Handles output that arrives within that time; returns after the first batch. Notices children that died."""
        for key, _ in self.selector.select(max(0.0, seconds)):
            key.data.pump()
        for child in self.children:
            if not child.stopped_by_us and child.on_event and not child.running():
                raise Failure(f"{child.name} ended by itself (status {child.proc.returncode}){child.last_words()}")

    def wait(self, condition, seconds, tick=0.05):
        """Pumps until `condition()` holds or the time is over; returns whether it holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self.pump(min(left, tick))
        return True

    def require(self, condition, seconds, what):
        if not self.wait(condition, seconds):
            raise Failure(f"{what() if callable(what) else what} (waited {seconds:g} s)")

    def stop_all(self, children, seconds):
        """SIGTERM to each; each must end with status 0 in time."""
        for child in children:
            child.signal(signal.SIGTERM)
        self.wait(lambda: not any(c.running() for c in children), seconds)
        bad = [f"{c.name} ({'still running' if c.running() else c.proc.returncode})"
               for c in children if c.proc.poll() != 0]
        if bad:
            raise Failure("did not leave cleanly on SIGTERM: " + ", ".join(bad))
