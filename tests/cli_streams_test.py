#!/usr/bin/env python3
"""listen, connect and gossip: bytes, ends, closes, back-pressure and refusals over real sockets."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys

import cli_support as cli

HERE = ("--bind", "127.0.0.1:0")


def listen(home, *words):
    return cli.Program(home, "listen", "--echo", *HERE, *words)


def closes(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def echo_and_close_words(home):
    with listen(home, "--close-code", "42", "--close-reason", "so long") as server:
        ticket = server.event("ready")["ticket"]
        data = random.Random(1).randbytes(3_000_000)
        code, out, err = cli.run(home, "connect", ticket, "--close-code", "7", "--close-reason", "bye", stdin=b"hi\n")
        assert (code, out) == (0, "hi\n"), err
        done = subprocess.run([cli.BIN / "grapevine", "connect", ticket], input=data, capture_output=True,
                              env=cli.clean_environment(home), timeout=60 * cli.SLOW, check=False)
        assert done.returncode == 0 and done.stdout == data, done.stderr
        cli.wait_until(lambda: any((e["code"], e["reason"]) == (7, "bye") for e in closes(server.errors())), 5,
                       "the listener sees the dialer's close words")
        with cli.Program(home, "connect", ticket, "--hold", "600", stdin=subprocess.PIPE) as dialer:
            dialer.proc.stdin.write(b"held\n")
            dialer.proc.stdin.close()
            assert dialer.line() == "held"
            assert server.end() == 0
            assert dialer.proc.wait(10 * cli.SLOW) == 1
            assert closes(dialer.errors())[0]["code"] == 42 and closes(dialer.errors())[0]["reason"] == "so long"


def many_streams_and_uni(home):
    data = random.Random(2).randbytes(100_000)
    with listen(home) as server:
        ticket = server.event("ready")["ticket"]
        (home / "in").write_bytes(data)
        _, out, err = cli.run(home, "connect", ticket, "--streams", "120", stdin=data)
        lines = [json.loads(line) for line in out.splitlines()]
        want = hashlib.sha256(data).hexdigest()
        assert {line["index"] for line in lines} == set(range(120)), err  # More than the peer allows at once.
        assert all(line["sha256"] == want and line["bytes"] == len(data) for line in lines)
        _, out, err = cli.run(home, "connect", ticket, "--uni", stdin=b"one way\n")
        assert out == "one way\n", err


def an_idle_reader_bounds_memory(home):
    """A dialer whose output nobody reads stops reading its input: 200 MB do not pile up in either process."""
    with listen(home) as server:
        ticket = server.event("ready")["ticket"]
        with cli.Program(home, "connect", ticket, stdin=subprocess.PIPE) as dialer:
            pipe = dialer.proc.stdin.fileno()
            os.set_blocking(pipe, False)
            sent = 0
            quiet = 0
            while quiet < 50:
                try:
                    sent += os.write(pipe, bytes(65536))
                    quiet = 0
                except BlockingIOError:
                    quiet += 1
                    cli.select.poll().poll(20)
                assert sent < 200_000_000, "the dialer takes everything"
            for program in (server, dialer):
                status = (cli.Path("/proc") / str(program.proc.pid) / "status").read_text()
                resident = int(status.split("VmRSS:")[1].split()[0])
                assert resident < 60_000 * cli.SLOW, f"{resident} kB after {sent} bytes"


def refusals(home):
    with listen(home, "--key", home / "k") as server:
        ticket = server.event("ready")["ticket"]
        code, out, err = cli.run(home, "connect", ticket, "--alpn", "other/1", stdin=b"x")
        assert code == 1 and out == "" and "grapevine: " in err, (code, err)
        (home / "other").mkdir()
        assert server.end() == 0
    with listen(home, "--bind", "127.0.0.1:0") as other:  # A second --bind: two sockets, fresh identity.
        ready = other.event("ready")
        assert len(ready["addrs"]) == 2, ready


def pipe_mode_joins_two_standard_streams(home):
    with cli.Program(home, "listen", *HERE, stdin=subprocess.PIPE) as server:
        cli.wait_until(lambda: "ready" in server.errors(), 10, "ready on stderr")
        ticket = closes(server.errors())[0]["ticket"]
        server.proc.stdin.write(b"from the listener\n")
        server.proc.stdin.close()
        code, out, err = cli.run(home, "connect", ticket, stdin=b"from the dialer\n")
        assert (code, out) == (0, "from the listener\n"), err
        assert server.line() == "from the dialer"
        assert server.proc.wait(10 * cli.SLOW) == 0


def gossip_reaches_the_other(home):
    topic = "07" * 32
    with cli.Program(home, "gossip", "--topic", topic, *HERE, stdin=subprocess.PIPE) as first:
        one = first.event("ready")
        with cli.Program(home, "gossip", "--topic", topic, *HERE, "--join", one["ticket"], stdin=subprocess.PIPE) as second:
            two = second.event("ready")
            # Written before there is a neighbour: input waits for one.
            second.proc.stdin.write("grüße\n".encode() + b"x" * 5000 + b"\nlast")
            second.proc.stdin.close()
            assert first.event("neighbor_up")["peer"] == two["id"]
            assert first.event("received") == {"event": "received", "content": "grüße", "from": two["id"]}
            assert first.event("received")["content"] == "last"
            cli.wait_until(lambda: "longer than 4057 bytes" in second.errors(), 5, "the long line is reported")
            assert second.end(signal.SIGTERM) == 0
            assert first.event("neighbor_down")["peer"] == two["id"]
        assert first.end(signal.SIGINT) == 0


if __name__ == "__main__":
    sys.exit(cli.main([echo_and_close_words, many_streams_and_uni, an_idle_reader_bounds_memory, refusals,
                       pipe_mode_joins_two_standard_streams, gossip_reaches_the_other]))
