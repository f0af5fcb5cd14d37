#!/usr/bin/env python3
"""The supervisor of `grapevine up` and the commands that talk to it, with real nodes."""

import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import cli_support as cli

UP = ("up", "--meshes", "1", "--per-mesh", "broker=2,gateway=1", "--json", "--no-collector")


class Client:
    """A line of JSON to the supervisor's socket, a line back."""

    def __init__(self, run_dir):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(40 * cli.SLOW)
        self.socket.connect(str(run_dir / "supervisor.sock"))
        self.file = self.socket.makefile("rw")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, text):
        self.file.write(text + "\n")
        self.file.flush()

    def answer(self):
        return json.loads(self.file.readline())

    def ask(self, op, **members):
        self.send(json.dumps(dict(members, op=op)))
        return self.answer()


class Up:
    """A running `grapevine up`, converged."""

    def __init__(self, home, *words):
        self.home = home
        self.program = cli.Program(home, *UP, *words)

    def __enter__(self):
        self.first = json.loads(self.program.line(60))["nodes"]
        self.run_dir = Path(self.first[0]["data_dir"]).parent.parent
        return self

    def __exit__(self, *_):
        self.program.end(signal.SIGTERM, 20)
        self.program.__exit__()

    def run(self, *words, **more):
        return cli.run(self.home, *words, "--up", self.run_dir, seconds=60, **more)

    def done(self, *words):
        code, out, err = self.run(*words)
        assert code == 0, (words, code, out, err)
        return out

    def client(self):
        return Client(self.run_dir)

    def nodes(self):
        with self.client() as client:
            return client.ask("list")["nodes"]

    def node(self, name):
        return next(node for node in self.nodes() if node["name"] == name)

    def ready(self, mesh, node_type):
        return [n for n in self.nodes() if (n["mesh"], n["type"], n["state"]) == (mesh, node_type, "ready")]

    def spawned(self, place, *words):
        nodes = json.loads(self.done("spawn", place, "--json", *words))["nodes"]
        assert all(node["state"] == "ready" for node in nodes), nodes
        return nodes

    def directory(self, node):
        code, out, err = cli.run(self.home, "ls", "--json", "--data-dir", node["data_dir"])
        assert code == 0, (code, err)
        return {row["name"]: row for row in json.loads(out)["nodes"]}

    def until_seen_by(self, node, names):
        cli.wait_until(lambda: set(self.directory(node)) == set(names), 30, f"{node['name']} sees {names}")

    def events(self):
        """Heard from the supervisor and from a node of mesh1 from here on."""
        events = cli.Program(self.home, "events", "--json", "--up", self.run_dir)
        assert events.event("watching")["source"] == "supervisor"
        assert events.event("watching")["source"].startswith("mesh1.")
        return events


def until_event(events, kind, name, seconds=60):
    deadline = time.monotonic() + seconds * cli.SLOW
    while time.monotonic() < deadline:
        event = json.loads(events.line(seconds))
        if event["event"] == kind and event.get("name") == name:
            return event
    raise AssertionError(f"not within {seconds} s: {name} {kind}")


def spawns_into_an_old_and_a_new_mesh(home):
    with Up(home) as up:
        old = up.spawned("mesh1.compute", "--cpu", "250", "--memory", "64M")[0]
        gateway = up.ready("mesh1", "gateway")[0]
        up.until_seen_by(gateway, [n["name"] for n in up.first] + [old["name"]])
        row = up.directory(gateway)[old["name"]]
        assert (row["cpu_budget_millicores"], row["memory_budget_kib"]) == (250, 65536), row
        new = up.spawned("other.gateway") + up.spawned("other.broker", "--count", "2")
        for node in new:
            up.until_seen_by(node, [n["name"] for n in new])
        everything = {n["id"] for n in up.first} | {n["id"] for n in [old] + new}
        while True:  # The objects of `up` show each set that agreed.
            state = json.loads(up.program.line(60))
            if {n["id"] for n in state["nodes"]} == everything:
                break
        assert state["converged"]
        cli.wait_until(lambda: cli.run(home, "request", "--data-dir", gateway["data_dir"], "other.broker",
                                       "across")[:2] == (0, "across\n"), 60, "a name of the new mesh is found")


def a_killed_one_is_missed_by_its_mesh(home):
    with Up(home, "--respawn") as up, up.events() as events:
        victim = up.ready("mesh1", "broker")[0]
        out = up.done("kill", victim["name"])
        assert out == f"{victim['name']}: ended, killed on request, signal 9 (Killed)\n", out
        assert until_event(events, "ended", victim["name"])["source"] == "supervisor"
        died = until_event(events, "died", victim["name"])
        assert died["source"] != "supervisor" and died["accusers"], died
        left = [n for n in up.first if n["id"] != victim["id"]]
        up.until_seen_by(left[0], [n["name"] for n in left])
        while True:  # And without it the set agrees anew; --respawn does not bring back what was asked to end.
            state = json.loads(up.program.line(60))
            if {n["id"] for n in state["nodes"]} == {n["id"] for n in left}:
                break
        code, _, err = up.run("kill", victim["name"])
        assert code == 4 and "killed on request" in err and "ago" in err, (code, err)


def a_stopped_one_leaves(home):
    with Up(home) as up, up.events() as events:
        one = up.ready("mesh1", "broker")[1]
        out = up.done("stop", one["id"])
        assert out == f"{one['name']}: ended, stopped on request, exit code 0\n", out
        until_event(events, "left", one["name"])
        gone = up.node(one["name"])
        assert (gone["state"], gone["how"], gone["pid"]) == ("ended", "stopped on request, exit code 0", None), gone
        assert not cli.is_alive(one["pid"])


def a_restarted_one_is_the_same(home):
    with Up(home) as up:
        for node_type in ("gateway", "broker"):
            one = up.ready("mesh1", node_type)[0]  # The brokers' first is the seed of its mesh.
            up.done("restart", one["name"])
            again = up.node(one["name"])
            assert (again["id"], again["state"], again["restarts"]) == (one["id"], "ready", 1), again
            assert again["pid"] != one["pid"] and not cli.is_alive(one["pid"])
            for node in up.first:
                up.until_seen_by(node, [n["name"] for n in up.first])
        one = up.ready("mesh1", "broker")[1]
        up.done("kill", one["name"])
        up.done("restart", one["name"])
        up.until_seen_by(one, [n["name"] for n in up.first])


def a_wedged_one_is_suspected_and_comes_back(home):
    with Up(home) as up, up.events() as events:
        one = up.ready("mesh1", "broker")[1]
        assert up.done("wedge", one["name"]) == f"{one['name']}: wedged\n"
        assert up.node(one["name"])["state"] == "wedged"
        assert until_event(events, "suspected", one["name"])["source"] != one["name"]
        code, _, err = up.run("wedge", one["name"])
        assert code == 2 and "cannot be wedged" in err, (code, err)
        assert up.done("resume", one["name"]) == f"{one['name']}: goes on\n"
        for node in up.first:
            up.until_seen_by(node, [n["name"] for n in up.first])


def a_bootstrap_is_done_once(home):
    with Up(home) as up, up.client() as client:
        layout = [{"mesh": "mesh1", "per_mesh": {"broker": 3}}, {"mesh": "other", "per_mesh": {"registry": 1}}]
        first = client.ask("bootstrap", meshes=layout)
        assert first["ok"] and sorted((n["mesh"], n["type"]) for n in first["started"]) == [
            ("mesh1", "broker"), ("other", "registry")], first
        assert len(first["present"]) == 2, first
        pids = {n["pid"] for n in up.nodes()}
        second = client.ask("bootstrap", meshes=layout)
        assert second["ok"] and second["started"] == [] and len(second["present"]) == 4, second
        assert {n["pid"] for n in up.nodes()} == pids


def logs_are_followed(home):
    with Up(home) as up:
        one = up.ready("mesh1", "broker")[0]
        with cli.Program(home, "logs", one["name"], "-n", "1", "-f", "--up", up.run_dir) as logs:
            assert logs.line()
            up.done("stop", one["name"])
            while "grapevine up: ended, exit code 0" not in logs.line(30):
                pass
        out = up.done("logs", one["name"], "--lines", "1")
        assert out == "grapevine up: ended, exit code 0\n", out
        assert up.done("logs", one["name"], "-n", "0") == ""
        assert up.run("logs", "mesh9.broker")[0] == 4


def what_is_wrong_is_refused_by_name(home):
    with Up(home) as up, up.client() as client:
        before = {n["pid"] for n in up.nodes()}
        for request, code, words in (
                ('{"op":"spawn","mesh":"mesh1","type":"broker","count":256}', "exhausted", "3 nodes run"),
                ('{"op":"spawn","mesh":"../../tmp/x","type":"broker"}', "invalid", "../../tmp/x"),
                ('{"op":"spawn","mesh":"mesh1","type":"../../../bin/sh"}', "invalid", "/bin/sh"),
                ('{"op":"spawn","mesh":"mesh1","type":"sh"}', "invalid", "none of broker"),
                ('{"op":"spawn","mesh":"-x","type":"broker"}', "invalid", "-x"),
                ('{"op":"spawn","mesh":"mesh1","type":"broker","data_dir":"/tmp/x"}', "invalid", "data_dir"),
                ('{"op":"spawn","mesh":"mesh1","type":"broker","env":{"LD_PRELOAD":"x"}}', "invalid", "env"),
                ('{"op":"stop","node":"mesh1.broker"}', "invalid", "fits several"),
                ('{"op":"stop","node":"mesh1.registry"}', "not_found", "mesh1.registry"),
                ('{"op":"stop","node":"/etc/passwd"}', "not_found", "/etc/passwd"),
                ('{"op":"resume","node":"mesh1.gateway"}', "invalid", "is not wedged"),
                ('{"op":"logs","node":"../../../etc/passwd"}', "not_found", "passwd"),
                ('{"op":"reboot"}', "invalid", "reboot"),
                ('no json', "invalid", "not JSON")):
            client.send(request)
            answer = client.answer()
            assert answer["ok"] is False and answer["error"]["code"] == code, (request, answer)
            assert words in answer["error"]["message"], (request, answer)
        assert {n["pid"] for n in up.nodes()} == before
        for words, expected in ((("spawn", "mesh1"), 2), (("spawn", "mesh1.broker", "--count", "0"), 2),
                                (("spawn", "mesh1.broker", "--memory", "64"), 2), (("spawn", "a/b.broker"), 2),
                                (("spawn", "mesh1.broker", "--count", "256"), 1), (("stop", "mesh1.broker"), 2),
                                (("stop",), 2), (("wedge", "nobody"), 4)):
            code, out, err = up.run(*words)
            assert (code, out) == (expected, "") and err.startswith("grapevine: "), (words, code, out, err)


def clients_do_not_wait_for_each_other(home):
    with Up(home) as up, up.client() as first, up.client() as second:
        first.send('{"op":"spawn","mesh":"a","type":"broker","count":4}')
        states = {n["state"] for n in second.ask("list")["nodes"]}
        assert "ready" in states, states
        answers = []
        clients = [threading.Thread(target=lambda: answers.append(up.spawned("mesh1.compute"))) for _ in range(3)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert len(first.answer()["nodes"]) == 4
        dirs = [n["data_dir"] for n in up.nodes()]
        assert len(answers) == 3 and len(dirs) == len(set(dirs)) == 10, dirs


def killed_outright_it_leaves_nothing(home):
    with Up(home) as up:
        up.spawned("other.broker", "--count", "2")
        pids = [n["pid"] for n in up.nodes()]
        up.done("wedge", up.ready("other", "broker")[0]["name"])
        up.program.end(signal.SIGKILL, 10)
        cli.wait_until(lambda: not any(map(cli.is_alive, pids)), 5, f"all children of {pids} are gone")
    code, _, err = cli.run(home, "events")
    assert code == 4 and "no `grapevine up`" in err, (code, err)


def a_run_for_a_time_ends_with_what_was_added(home):
    program = cli.Program(home, *UP, "--for", "12s")
    with program:
        cli.wait_until(lambda: cli.run(home, "spawn", "other.broker", seconds=60)[0] == 0, 60, "a node more")
        state = json.loads(program.line(60))
        assert program.proc.wait(20 * cli.SLOW) == 0, program.errors()
    assert state["converged"] and sorted({n["mesh"] for n in state["nodes"]}) == ["mesh1", "other"], state
    for node in state["nodes"]:
        assert not cli.is_alive(node["pid"]) and not os.path.exists(node["data_dir"]), node


def which_one_is_meant_must_be_clear(home):
    code, _, err = cli.run(home, "stop", "mesh1.broker")
    assert code == 4 and "no `grapevine up`" in err, (code, err)
    with Up(home) as one, Up(home) as other:
        code, _, err = cli.run(home, "spawn", "mesh1.broker")
        assert code == 2 and "--up" in err and str(one.run_dir) in err and str(other.run_dir) in err, (code, err)
        code, _, err = cli.run(home, "spawn", "mesh1.broker", "--up", home)
        assert code == 4 and "no supervisor runs there" in err, (code, err)
    with cli.Program(home, "--mesh", "mesh5", "--bind", "127.0.0.1:0", program="broker") as node:
        name = node.event("ready")["name"]
        code, _, err = cli.run(home, "logs", name)
        assert code == 4 and name in err and "without a supervisor" in err, (code, err)


def a_closed_one_admits_what_it_spawns(home):
    with Up(home, "--closed") as up:
        old = up.spawned("mesh1.registry")[0]
        up.until_seen_by(old, [n["name"] for n in up.first] + [old["name"]])
        new = up.spawned("other.broker", "--count", "2")
        up.until_seen_by(new[0], [n["name"] for n in new])
        assert (up.run_dir / "other.authority").stat().st_mode & 0o777 == 0o600


def events_are_told_in_words(home):
    with Up(home) as up, cli.Program(home, "events", "--up", up.run_dir) as events:
        for source in ("  supervisor  tells of its nodes", "  tells of mesh1"):
            assert events.line().endswith(source)
        node = up.spawned("mesh1.compute")[0]
        seen = []
        while not (any("is ready, process" in line for line in seen) and
                   any(line.endswith(f"{node['name']} joined") for line in seen)):
            seen.append(events.line(30))
        assert any("  supervisor  " in line for line in seen), seen


if __name__ == "__main__":
    sys.exit(cli.main([spawns_into_an_old_and_a_new_mesh, a_killed_one_is_missed_by_its_mesh, a_stopped_one_leaves,
                       a_restarted_one_is_the_same, a_wedged_one_is_suspected_and_comes_back, a_bootstrap_is_done_once,
                       logs_are_followed, what_is_wrong_is_refused_by_name, clients_do_not_wait_for_each_other,
                       killed_outright_it_leaves_nothing, a_run_for_a_time_ends_with_what_was_added,
                       which_one_is_meant_must_be_clear, a_closed_one_admits_what_it_spawns,
                       events_are_told_in_words]))
