#!/usr/bin/env python3
"""`grapevine top` on a terminal of its own: what it shows is what happens, each key does what it says, and whatever ends it
leaves the terminal as it was. Without a terminal `--once` says the same."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import cli_support as cli

SMALL = ("up", "--meshes", "2", "--per-mesh", "broker=2,gateway=1", "--json", "--no-console")
ENTER, LEAVE = b"\x1b[?1049h", b"\x1b[?1049l"


class Screen:
    """The few sequences of a terminal that `top` uses, on lines of text."""

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.lines = [" " * columns for _ in range(rows)]
        self.row = self.column = 0
        self.alternate = self.seen_alternate = False
        self.cursor_hidden = False
        self.rest = ""

    def feed(self, data):
        text = self.rest + data.decode("utf-8", "replace")
        self.rest = ""
        while text:
            match = re.match(r"\x1b\[(\??)([0-9;]*)([A-Za-z])", text)
            if match:
                self.control(*match.groups())
                text = text[match.end():]
            elif text[0] == "\x1b" and re.fullmatch(r"\x1b(\[[?0-9;]*)?", text):
                self.rest, text = text, ""
            else:
                self.put(text[0])
                text = text[1:]

    def control(self, private, numbers, final):
        if private:
            if numbers == "1049":
                self.alternate = final == "h"
                self.seen_alternate |= self.alternate
            elif numbers == "25":
                self.cursor_hidden = final == "l"
            else:
                assert numbers == "7", (private, numbers, final)
        elif final == "H":
            row, column = (int(n) for n in numbers.split(";"))
            self.row, self.column = row - 1, column - 1
            assert 0 <= self.row < self.rows, "a line that is not there"
        elif final == "K":
            self.lines[self.row] = self.lines[self.row][:self.column] + " " * (self.columns - self.column)
        elif final == "J":
            self.lines = [" " * self.columns for _ in range(self.rows)]
        else:
            assert final == "m", (private, numbers, final)

    def put(self, char):
        if not self.alternate:
            return
        assert char.isprintable(), f"a control character: {char!r}"
        assert self.column < self.columns, f"beyond the last column: {self.lines[self.row]}"
        line = self.lines[self.row]
        self.lines[self.row] = line[:self.column] + char + line[self.column + 1:]
        self.column += 1

    def text(self):
        return "\n".join(line.rstrip() for line in self.lines)


class Top:
    """`grapevine top` under a pseudo-terminal, as its session's leader."""

    def __init__(self, home, *words, rows=24, columns=80, env=None):
        self.screen = Screen(rows, columns)
        self.master, slave = pty.openpty()
        self.slave = slave  # Kept, so that what it set there can be read after its end.
        self.resize(rows, columns, tell=False)
        self.before = termios.tcgetattr(slave)
        self.raw = b""
        self.proc = subprocess.Popen(
            [cli.BIN / "grapevine", "top", *words], stdin=slave, stdout=slave, stderr=slave,
            env=dict(cli.clean_environment(home), TERM="xterm-256color", LC_ALL="C.UTF-8", **(env or {})),
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.proc.poll() is None:
            self.proc.kill()
        self.proc.wait()
        os.close(self.slave)
        os.close(self.master)

    def resize(self, rows, columns, tell=True):
        if tell:
            before, self.screen = self.screen, Screen(rows, columns)
            self.screen.alternate = self.screen.seen_alternate = before.alternate
            self.screen.cursor_hidden = before.cursor_hidden
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        data = os.read(self.master, 65536)
        self.raw += data
        self.screen.feed(data)
        return True

    def shows(self, condition, seconds, what):
        """Waits until the screen's text fits."""
        deadline = time.monotonic() + seconds * cli.SLOW
        while not condition(self.screen.text()):
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}\n{self.screen.text()}"
            assert self.proc.poll() is None, f"ended {self.proc.returncode}: {what}\n{self.raw[-400:]}"
            self.read(0.1)

    def press(self, keys):
        os.write(self.master, keys.encode())

    def ended(self, seconds=5):
        """The exit code, once all it wrote was read."""
        deadline = time.monotonic() + seconds * cli.SLOW
        while self.proc.poll() is None:
            assert time.monotonic() < deadline, "does not end"
            self.read(0.05)
        while self.read(0):
            pass
        return self.proc.returncode

    def is_restored(self):
        screen = self.screen
        assert screen.seen_alternate and not screen.alternate and not screen.cursor_hidden, self.raw[-200:]
        assert termios.tcgetattr(self.slave) == self.before, "the settings of the terminal"


def booted(home):
    up = cli.Program(home, *SMALL)
    state = json.loads(up.line(90))
    return up, state["nodes"]


def row_of(text, name):
    return next((line for line in text.splitlines() if name in line and "since" not in line), "")


def what_happens_is_seen(home):
    up, nodes = booted(home)
    names = [node["name"] for node in nodes]
    with up, Top(home, rows=30) as top:
        top.shows(lambda t: all("member" in row_of(t, n) for n in names), 10, "six members")
        top.shows(lambda t: "all is well" in t and t.count("whole") == 2, 10, "all is well")
        victim = next(n for n in nodes if n["type"] == "broker")
        os.kill(victim["pid"], signal.SIGKILL)
        seen = set()

        def died(text):
            seen.update(w for w in ("suspected", "dead", "ended") if w in row_of(text, victim["name"]))
            return "dead" in row_of(text, victim["name"]) and "CRITICAL" in text
        top.shows(died, 60, "it died")
        assert "suspected" in seen, seen
        lines = top.screen.text().splitlines()
        header = next(i for i, line in enumerate(lines) if line.lstrip().startswith("NAME"))
        assert victim["name"] in lines[header + 1], "the worst is first"
        assert any(f"{victim['name']} died" in line and "!! critical" in line for line in lines), "an alert"
        top.press("\r")
        top.shows(lambda t: victim["id"] in t and "neighbours" in t, 5, "its details")
        top.press("q")
        top.press("q")
        assert top.ended() == 0
        top.is_restored()
        assert up.end() == 0


def keys_do_what_they_say(home):
    up, nodes = booted(home)
    with up, Top(home, rows=30) as top:
        top.shows(lambda t: all("member" in row_of(t, n["name"]) for n in nodes), 10, "six members")
        top.press("/type:gateway")
        top.shows(lambda t: "/type:gateway_" in t and not any(
            row_of(t, n["name"]) for n in nodes if n["type"] == "broker"), 5, "gateways only")
        top.press("\r")
        top.shows(lambda t: "2 of 6 nodes" in t and "filter type:gateway" in t, 5, "the filter stays, and says so")
        top.press("\x1b")
        top.shows(lambda t: "2 of 6" not in t and "6 nodes" in t, 5, "all again")
        top.press("m")
        top.shows(lambda t: "only mesh mesh1" in t and "3 of 6 nodes" in t, 5, "one mesh")
        top.press("p")
        top.shows(lambda t: "PAUSED at" in t, 5, "it says that it stands still")
        top.press("pmm")
        top.shows(lambda t: "PAUSED" not in t and "6 nodes" in t, 5, "it goes on")
        top.press("?")
        top.shows(lambda t: "one row or line" in t, 5, "help")
        top.press("\x1b[B\x1b")
        top.shows(lambda t: "6 nodes" in t and "by name" not in t, 5, "back")
        top.press("sr")
        top.shows(lambda t: "by name, reversed" in t, 5, "the order")
        top.resize(12, 40)
        top.shows(lambda t: "STATE" in t and "MEMORY" not in t and "q quit" in t, 5, "fewer columns")
        top.resize(40, 140)
        top.shows(lambda t: all(c in t for c in ("MESH", "TYPE", "PEERS", "OUT/S")), 5, "all columns")
        top.press("Q")
        assert top.ended() == 0
        top.is_restored()
        assert up.end() == 0


def the_terminal_comes_back_whatever_ends_it(home):
    for sig, code in ((signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGHUP, 0), (signal.SIGABRT, -signal.SIGABRT),
                      (signal.SIGSEGV, -signal.SIGSEGV)):
        with Top(home) as top:
            top.shows(lambda t: "NOTHING IS KNOWN" in t and "q quit" in t, 10, "a frame")
            top.proc.send_signal(sig)
            assert top.ended() == code, (sig, top.proc.returncode)
            top.is_restored()
    with Top(home) as top:
        top.shows(lambda t: "q quit" in t, 10, "a frame")
        top.press("\x03")  # Ctrl-C, by the terminal.
        assert top.ended() == 0
        top.is_restored()


def suspended_and_continued(home):
    with Top(home) as top:
        top.shows(lambda t: "q quit" in t, 10, "a frame")
        top.proc.send_signal(signal.SIGTSTP)
        cli.wait_until(lambda: state_of(top.proc.pid) == "T", 5, "it stops")
        while top.read(0):
            pass
        top.is_restored()
        top.proc.send_signal(signal.SIGCONT)
        top.shows(lambda t: top.screen.alternate and "q quit" in t, 5, "it draws again")
        assert top.screen.cursor_hidden and termios.tcgetattr(top.slave) != top.before
        top.press("q")
        assert top.ended() == 0
        top.is_restored()


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return stat.read().rpartition(")")[2].split()[0]


def a_source_that_is_down_is_not_well(home):
    up, _ = booted(home)
    with up, Top(home) as top:
        top.shows(lambda t: "all is well" in t, 15, "all is well")
        up.proc.kill()
        top.shows(lambda t: "source supervisor is down" in t and "all is well" not in t, 15, "the supervisor is gone")


def at_rest_little_is_written(home):
    up, _ = booted(home)
    with up, Top(home) as top:
        top.shows(lambda t: "all is well" in t, 15, "all is well")
        before, clocks = len(top.raw), set()

        def ticked(_):
            clocks.add(top.screen.lines[0])
            return len(clocks) == 5
        top.shows(ticked, 30, "five seconds")
        assert (len(top.raw) - before) / len(clocks) < 2000, "more than what changed is written"
        top.press("q")
        assert top.ended() == 0
        assert up.end() == 0


def once_without_a_terminal(home):
    code, out, err = cli.run(home, "top")
    assert code == 2 and out == "" and "--once" in err and len(err.splitlines()) == 1, (code, out, err)
    code, out, err = cli.run(home, "top", "--json")
    assert code == 2 and "--once" in err, (code, out, err)
    code, out, err = cli.run(home, "top", "--once", "--filter", "state:odd")
    assert code == 2 and "--filter: state:" in err, (code, out, err)
    code, out, err = cli.run(home, "top", "--once")
    assert code == 0 and "NOTHING IS KNOWN" in out and "grapevine up" in out, (code, out, err)
    up, nodes = booted(home)
    with up:
        code, out, err = cli.run(home, "top", "--once")
        assert code == 0 and err == "" and "\x1b" not in out, (code, out, err)
        assert all("member" in row_of(out, node["name"]) for node in nodes), out
        assert "all is well" in out and "6 nodes" in out, out
        code, out, _ = cli.run(home, "top", "--once", "--filter", "mesh:mesh2 type:broker")
        assert code == 0 and "2 of 6 nodes" in out, out
        code, out, _ = cli.run(home, "top", "--once", "--json")
        world = json.loads(out)
        assert code == 0 and out.count("\n") == 1 and world["overall"] == "well", out
        assert {n["id"] for n in world["nodes"]} == {n["id"] for n in nodes}
        assert {m["name"]: m["state"] for m in world["meshes"]} == {"mesh1": "whole", "mesh2": "whole"}
        assert world["supervisor"]["present"] and isinstance(world["events"], list)
        assert up.end() == 0


if __name__ == "__main__":
    sys.exit(cli.main([
        what_happens_is_seen,
        keys_do_what_they_say,
        the_terminal_comes_back_whatever_ends_it,
        suspended_and_continued,
        a_source_that_is_down_is_not_well,
        at_rest_little_is_written,
        once_without_a_terminal,
    ]))
