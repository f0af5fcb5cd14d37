"""The endpoint scenarios: a grapevine endpoint and an iroh endpoint, each dialling the other.

Both programs have the command line of CONTRACT.md, so one list of steps serves both directions.
"""

import hashlib
import json
import os
import random
import signal
import subprocess
import time

import tickets
from harness import Failure, Hub

ALPN = "interop/echo/1"
READY_SECONDS = 20
STEP_SECONDS = 60
REFUSE_SECONDS = 30
STREAMS = 20
STREAM_BYTES = {"full": 1 << 20, "short": 1 << 18}
BIG_BYTES = {"full": 100_000_000, "short": 20_000_000}
# iroh's idle timeout is 30 s: both forms outlast it, so that only keep-alives explain survival.
HOLD_SECONDS = {"full": 60, "short": 35}


class Direction:
    """One listener and the dialers aimed at it."""

    def __init__(self, hub, listener, dialer, seed, form):
        self.hub, self.dialer, self.form = hub, dialer, form
        self.random = random.Random(seed)
        self.runs = 0
        self.ready = None
        command = [*listener, "listen", "--echo", "--alpn", ALPN, "--bind", "127.0.0.1:0",
                   "--close-code", "42", "--close-reason", "so long"]
        self.listener = hub.start("listener", command, on_event=self.on_event, stdin=subprocess.DEVNULL)
        hub.require(lambda: self.ready, READY_SECONDS, "the listener does not get ready")
        self.ticket = self.ready["ticket"]
        if tickets.endpoint_id(self.ticket) != self.ready["id"]:
            raise Failure("the listener's ticket does not hold the id it names")

    def on_event(self, kind, event):
        if kind == "ready":
            self.ready = event

    def payload(self, size):
        path = self.hub.path(f"payload-{size}")
        if not os.path.exists(path):
            with open(path, "wb") as file:
                for at in range(0, size, 1 << 20):
                    file.write(self.random.randbytes(min(1 << 20, size - at)))
        return path

    def dial(self, *flags, size=1024, ticket=None, alpn=ALPN):
        """Starts a dialer with that many bytes on its standard input; its output goes to a file."""
        self.runs += 1
        name = f"dialer-{self.runs}"
        command = [*self.dialer, "connect", ticket or self.ticket, "--alpn", alpn, *flags]
        with open(self.payload(size), "rb") as stdin, open(self.hub.path(name + ".out"), "wb") as stdout:
            return self.hub.start(name, command, stdin=stdin, stdout=stdout)

    def finish(self, child, seconds, what):
        self.hub.require(lambda: not child.running(), seconds, f"{what}: the dialer does not end")
        return child.proc.returncode

    def expect_success(self, child, seconds, what):
        status = self.finish(child, seconds, what)
        if status != 0:
            raise Failure(f"{what}: the dialer ended with status {status}{child.last_words()}")

    def expect_output(self, child, size, copies, what):
        with open(self.payload(size), "rb") as file:
            expected = file.read() * copies
        with open(child.out_path, "rb") as file:
            actual = file.read()
        if actual != expected:
            raise Failure(f"{what}: {len(actual)} of {len(expected)} bytes came back, or not the same")

    def wait_closed(self, child, code, reason, what):
        def seen():
            return [e for e in child.stderr_events("closed") if (e.get("code"), e.get("reason")) == (code, reason)]
        self.hub.require(seen, 10, lambda: f"{what}: no close with code {code} and reason {reason!r} was seen, but "
                         f"{[(e.get('code'), e.get('reason')) for e in child.stderr_events('closed')]}")


def step_echo(way):
    child = way.dial()
    way.expect_success(child, STEP_SECONDS, "echo")
    way.expect_output(child, 1024, 1, "echo")
    return "echo"


def step_uni(way):
    child = way.dial("--uni", size=70_000)
    way.expect_success(child, STEP_SECONDS, "uni streams")
    way.expect_output(child, 70_000, 1, "uni streams")
    return "uni streams"


def step_big(way):
    size, start = BIG_BYTES[way.form], time.monotonic()
    way.payload(size)
    child = way.dial(size=size)
    way.expect_success(child, 4 * STEP_SECONDS, "bulk")
    rate = size / (time.monotonic() - start) / 1e6
    way.expect_output(child, size, 1, "bulk")
    return f"{size // 1_000_000} MB both ways at {rate:.0f} MB/s"


def step_streams(way):
    size = STREAM_BYTES[way.form]
    child = way.dial("--streams", str(STREAMS), size=size)
    way.expect_success(child, 2 * STEP_SECONDS, "many streams")
    with open(way.payload(size), "rb") as file:
        want = hashlib.sha256(file.read()).hexdigest()
    with open(child.out_path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    good = {e["index"] for e in lines if e["bytes"] == size and e["sha256"] == want}
    if good != set(range(STREAMS)) or len(lines) != STREAMS:
        raise Failure(f"many streams: {len(good)} of {STREAMS} came back whole")
    return f"{STREAMS} streams of {size >> 10} KiB"


def step_dialer_closes(way):
    child = way.dial("--close-code", "7", "--close-reason", "bye now")
    way.expect_success(child, STEP_SECONDS, "dialer's close")
    way.wait_closed(way.listener, 7, "bye now", "dialer's close at the listener")
    return "dialer's close code"


def step_wrong_key(way):
    child = way.dial(ticket=tickets.with_wrong_id(way.ticket))
    if way.finish(child, REFUSE_SECONDS, "wrong key") == 0 or os.path.getsize(child.out_path) != 0:
        raise Failure("wrong key: the dialer accepted a listener with another key")
    return "wrong key refused"


def step_wrong_alpn(way):
    child = way.dial(alpn="interop/unknown/1")
    if way.finish(child, REFUSE_SECONDS, "unknown ALPN") == 0 or os.path.getsize(child.out_path) != 0:
        raise Failure("unknown ALPN: the listener accepted it")
    return "unknown ALPN refused"


def finish_hold(way, child, seconds):
    way.expect_success(child, seconds + STEP_SECONDS, f"{seconds} s idle")
    way.expect_output(child, 1024, 2, f"{seconds} s idle")
    return f"alive after {seconds} s idle"


def step_listener_closes(way):
    """Last of all: the listener ends on SIGTERM and takes its open connection with it."""
    child = way.dial("--hold", "600")
    way.hub.require(lambda: os.path.getsize(child.out_path) == 1024, STEP_SECONDS, "listener's close: no echo before")
    way.listener.signal(signal.SIGTERM)
    way.wait_closed(child, 42, "so long", "listener's close at the dialer")
    way.finish(child, STEP_SECONDS, "listener's close")
    way.hub.require(lambda: not way.listener.running(), 10, "the listener does not end on SIGTERM")
    if way.listener.proc.returncode != 0:
        raise Failure(f"the listener ended with status {way.listener.proc.returncode}{way.listener.last_words()}")
    return "listener's close code"


def run(listener, dialer, seed, form, with_uni):
    """All steps in one direction; a failed step does not keep the later ones from running."""
    passed, failed = [], []
    with Hub() as hub:
        way = Direction(hub, listener, dialer, seed, form)
        hold = way.dial("--hold", str(HOLD_SECONDS[form]))
        steps = [step_echo, *([step_uni] if with_uni else []), step_big, step_streams, step_dialer_closes,
                 step_wrong_key, step_wrong_alpn,
                 lambda way: finish_hold(way, hold, HOLD_SECONDS[form]), step_listener_closes]
        for step in steps:
            try:
                passed.append(step(way))
            except Failure as failure:
                failed.append(str(failure))
    if failed:
        raise Failure(f"{len(failed)} of {len(steps)} steps failed: " + "; ".join(failed))
    return "; ".join(passed)
