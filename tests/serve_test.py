#!/usr/bin/env python3
"""`grapevine serve` between real processes: echo, a command, a slow consumer, and what it writes down."""

import os
import signal
import struct
import sys

import cli_support as cli


class Server:
    """A serving node, and a gateway of the same mesh that sends to it."""

    def __init__(self, home, *words):
        self.home = home
        self.words = words
        self.seed = ()
        self.start()
        self.source = cli.Program(home, "--mesh", "mesh1", "--bind", "127.0.0.1:0", "--data-dir", home / "source",
                                  "--seed", self.ready["ticket"], program="gateway")
        source = self.source.event("ready")
        self.source_id = source["id"]
        self.seed = ("--seed", source["ticket"])

    def start(self):
        self.server = cli.Program(self.home, "serve", "--mesh", "mesh1", "--type", "worker", "--bind", "127.0.0.1:0",
                                  "--data-dir", self.home / "server", *self.seed, *self.words)
        self.ready = self.server.event("ready")

    def restart(self, *words):
        self.server.__exit__()
        self.words = words
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.source.__exit__()
        self.server.__exit__()

    def ask(self, text, *words, command="request", **more):
        """By the id, which needs no directory."""
        return cli.run(self.home, command, "--data-dir", self.home / "source", *words, self.ready["id"], text, **more)


def echo(home):
    with Server(home, "--echo") as mesh:
        assert mesh.ask("hello")[:2] == (0, "hello\n")
        assert mesh.ask("hello", command="send")[0] == 0
        assert mesh.server.end() == 0


def a_command_answers(home):
    with Server(home, "--exec", 'case "$GRAPEVINE_KIND" in request) tr a-z A-Z;; esac') as mesh:
        assert mesh.ask("hello")[:2] == (0, "HELLO\n")
        assert mesh.ask("hello", command="send")[0] == 0


def a_command_fails(home):
    with Server(home, "--exec", 'read -r line; eval "$line"', "--exec-timeout", "300ms") as mesh:
        for script, words in (("echo out of paper >&2; exit 3", "out of paper"),
                              ("exit 9", "exit code 9"),
                              ("kill -9 $$", "signal 9"),
                              ("sleep 600", "no answer within 300 ms: killed"),
                              ("yes", "more than 61440 bytes of output"),
                              ("no-such-command", "not found")):
            code, out, err = mesh.ask(script + "\n")
            assert code == 1 and out == "" and "its handler failed" in err and words in err, (script, code, out, err)
        assert mesh.ask("echo still here\n")[:2] == (0, "still here\n\n")


def children_end_with_it(home):
    """Killed without warning, it takes the shell that works on a message with it."""
    with Server(home, "--exec", f"echo $$ > {home}/pid; exec sleep 600") as mesh:
        code, _, err = mesh.ask("x", "--timeout", "1", command="send")
        assert code == 124, (code, err)
        code, _, _ = mesh.ask("x", "--timeout", "1", command="send")  # One more, which is still being worked on.
        cli.wait_until((home / "pid").exists, 10, "a command runs")
        pid = int((home / "pid").read_text())
        mesh.server.end(signal.SIGKILL)
        cli.wait_until(lambda: not cli.is_alive(pid), 10, "its child has ended")


def what_was_handled_is_written_down(home):
    record, count = home / "record", home / "count"
    with Server(home, "--record", record) as mesh:
        for number in range(3):
            assert mesh.ask(str(number), command="send")[0] == 0
        mesh.server.end(signal.SIGKILL)
        lines = record.read_text().splitlines()
        assert len(lines) == 3 and {line.split()[0] for line in lines} == {mesh.source_id}, lines
        assert [int(line.split()[2]) for line in lines] == [1, 2, 3], lines
        incarnation = int(lines[0].split()[1], 16)
        mesh.restart("--count", count)
        cli.wait_until(lambda: mesh.ask("4", "--timeout", "2", command="send")[0] == 0, 20, "it is found again")
        sender, life, sequence = struct.unpack(">32sQQ", count.read_bytes()[:48])
        assert (sender.hex(), life) == (mesh.source_id, incarnation) and sequence >= 4, (sender, life, sequence)


def a_file_that_cannot_be_written_fails_the_message(home):
    with Server(home, "--record", "/dev/full") as mesh:
        code, _, err = mesh.ask("x", command="send")
        assert code == 1 and "No space left on device" in err, (code, err)


def a_slow_consumer_is_slow_and_works_on_several(home):
    with Server(home, "--echo", "--delay", "500ms") as mesh:
        assert mesh.ask("x")[:2] == (0, "x\n")
        code, _, err = mesh.ask("x", "--timeout", "1")
        assert code == 0, err
        mesh.restart("--echo", "--delay", "2s")
        cli.wait_until(lambda: mesh.ask("x", "--timeout", "10")[0] == 0, 30, "it is found again")
        code, _, err = mesh.ask("x", "--timeout", "1")
        assert code == 124, (code, err)


def wrong_usage_is_explained(home):
    for words, code, text in (
            ((), 2, "one of --echo, --exec, --record or --count is required"),
            (("--echo", "--exec", "true"), 2, "--echo, --exec: one of them"),
            (("--echo", "--record", "a", "--count", "b"), 2, "--record, --count: one of them"),
            (("--echo", "--exec-timeout", "1s"), 2, "--exec-timeout: needs --exec"),
            (("--exec", "true", "--exec-timeout", "61s"), 2, "'61s' is no time"),
            (("--echo", "--delay", "soon"), 2, "'soon' is no time"),
            (("--echo", "--at-once", "0"), 2, "--at-once"),
            (("--record", home / "none" / "file"), 4, "No such file or directory"),
            (("--record", home), 1, "Is a directory")):
        got, out, err = cli.run(home, "serve", "--mesh", "mesh1", "--type", "worker", *words)
        assert (got, out) == (code, "") and text in err and err.count("\n") == 1, (words, got, out, err)
    code, out, _ = cli.run(home, "serve", "--help")
    assert code == 0 and "Exit codes: 0 left as asked" in out and "--exec CMD" in out, out


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(cli.main([echo, a_command_answers, a_command_fails, children_end_with_it,
                       what_was_handled_is_written_down, a_file_that_cannot_be_written_fails_the_message,
                       a_slow_consumer_is_slow_and_works_on_several, wrong_usage_is_explained]))
