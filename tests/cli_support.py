"""For the process tests of the command: runs programs with limits, reads their lines, and waits for conditions."""

import json
import os
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path

BIN = Path(os.environ["GRAPEVINE_BIN_DIR"])
SLOW = float(os.environ.get("GRAPEVINE_TEST_SLOWNESS", "1"))


def clean_environment(home):
    """Nothing of the caller's settings: an own home, no MESH_*, no colour of a terminal."""
    env = {name: value for name, value in os.environ.items()
           if not name.startswith(("MESH_", "XDG_", "OTEL_")) and name not in ("STATE_DIRECTORY", "NO_COLOR", "COLUMNS")}
    return dict(env, HOME=str(home), XDG_RUNTIME_DIR=str(home))


def run(home, *words, stdin=b"", env=None, seconds=30):
    """Runs grapevine to its end: (exit code, stdout, stderr)."""
    done = subprocess.run([BIN / "grapevine", *map(str, words)], input=stdin, capture_output=True,
                          env=dict(clean_environment(home), **(env or {})), timeout=seconds * SLOW, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Program:
    """A program in the background, `under` another (a tracer) if that is given. Its stdout is read line by line; stderr
    goes to a file."""

    def __init__(self, home, *words, program="grapevine", env=None, stdin=subprocess.DEVNULL, under=()):
        self.stderr = tempfile.TemporaryFile()
        self.proc = subprocess.Popen([*under, BIN / program, *map(str, words)], stdin=stdin, stdout=subprocess.PIPE,
                                     stderr=self.stderr, env=dict(clean_environment(home), **(env or {})))
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.proc.poll() is None:
            self.proc.kill()
        self.proc.wait()
        self.proc.stdout.close()
        self.stderr.close()

    def line(self, seconds=10):
        """The next line of stdout."""
        deadline = time.monotonic() + seconds * SLOW
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.proc.stdout], [], [], max(0, deadline - time.monotonic()))
            data = os.read(self.proc.stdout.fileno(), 65536) if ready else b""
            assert data, f"no line within {seconds} s; stderr: {self.errors()}"
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.decode()

    def event(self, kind, seconds=10):
        """The next JSON line whose "event" is `kind`."""
        while True:
            event = json.loads(self.line(seconds))
            if event.get("event") == kind:
                return event

    def errors(self):
        self.stderr.seek(0)
        return self.stderr.read().decode(errors="replace")

    def end(self, sig=signal.SIGTERM, seconds=5):
        self.proc.send_signal(sig)
        return self.proc.wait(seconds * SLOW)


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds * SLOW
    pause = select.poll()  # Nothing registered: a bounded pause between two looks.
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        pause.poll(20)


def is_alive(pid):
    """Whether the process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def main(cases):
    """Runs each case with a fresh home; the exit code tells."""
    failed = 0
    for case in cases:
        with tempfile.TemporaryDirectory(prefix="gv-") as home:
            try:
                case(Path(home))
                print(f"ok      {case.__name__}", flush=True)
            except (AssertionError, OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"FAILED  {case.__name__}: {error}", flush=True)
    print(f"{len(cases) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0
