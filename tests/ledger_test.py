#!/usr/bin/env python3
"""The ledger of real nodes: it agrees with the kernel, before and after churn; laws, log filter and log lines."""

import json
import os
import random
import signal
import socket
import sys
from pathlib import Path

import cli_support as cli

PER_MESH = "broker=3,gateway=3,compute=3"
KINDS = {"connection", "stream", "gossip_link", "directory_entry", "timer", "watch", "descriptor", "socket", "thread",
         "control_client", "data_dir", "node"}
ROW = {"kind", "born", "ended", "alive", "peak", "oldest_ms", "limit", "oldest_limit_ms", "law", "state"}


class Control:
    """A client of a node's control socket, whatever the length of its path."""

    def __init__(self, data_dir):
        self.dir = os.open(data_dir, os.O_PATH)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(10 * cli.SLOW)
        self.socket.connect(f"/proc/self/fd/{self.dir}/control.sock")
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()
        os.close(self.dir)

    def ask(self, **request):
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        return json.loads(self.file.readline())


def kernel(pid):
    links = []
    for entry in os.scandir(f"/proc/{pid}/fd"):
        try:
            links.append(os.readlink(entry.path))
        except FileNotFoundError:
            pass
    return {"descriptor": len(links), "socket": sum(link.startswith("socket:") for link in links),
            "thread": len(os.listdir(f"/proc/{pid}/task"))}


def compare(node):
    """The ledger's rows of a node, once they were the kernel's figures; they must be at the latest within 5 s."""
    seen = {}

    def agrees():
        with Control(node["data_dir"]) as control:
            control.ask(op="ledger")
            before = kernel(node["pid"])
            answer = control.ask(op="ledger")
            if before != kernel(node["pid"]):
                return False  # Something was opened or closed meanwhile.
        rows = {row["kind"]: row for row in answer["kinds"]}
        ours = {kind: rows[kind]["alive"] for kind in before}
        seen.update(rows=rows, answer=answer, ours=ours, kernel=before)
        return ours == before
    try:
        cli.wait_until(agrees, 5, "the ledger agrees with the kernel")
    except AssertionError as error:
        raise AssertionError(f"{node['name']}: ledger {seen.get('ours')}, kernel {seen.get('kernel')}") from error
    return seen["rows"], seen["answer"]


def check_laws(node, rows, answer):
    for row in rows.values():
        assert set(row) == ROW, row
        assert row["born"] - row["ended"] == row["alive"] <= row["peak"] <= row["born"], row
        assert (row["oldest_ms"] is None) == (row["alive"] == 0), row
    assert KINDS <= set(rows), rows.keys()
    assert answer["laws_broken"] == answer["laws_broken_ever"] == 0, (node["name"], answer)
    assert rows["thread"]["alive"] == 1 and rows["data_dir"]["alive"] == 1 and rows["node"]["alive"] == 1
    assert rows["control_client"]["alive"] >= 1 and rows["connection"]["alive"] >= 1


def check_all(nodes):
    """Each node; returns what it holds for good."""
    figures = {}
    for node in nodes:
        rows, answer = compare(node)
        check_laws(node, rows, answer)
        passing = rows["control_client"]["alive"] + rows["export_connection"]["alive"]
        figures[node["name"]] = {kind: rows[kind]["alive"] - passing for kind in ("descriptor", "socket", "watch")}
    return figures


def running(nodes):
    """The nodes with the process ids that they have now; None while one is not there."""
    now = []
    for node in nodes:
        try:
            record = json.loads((Path(node["data_dir"]) / "node.json").read_text())
        except (FileNotFoundError, ValueError):
            return None
        if not cli.is_alive(record["pid"]):
            return None
        now.append(dict(node, pid=record["pid"]))
    return now


def all_know_all(nodes):
    try:
        for node in nodes:
            with Control(node["data_dir"]) as control:
                own = sum(other["mesh"] == node["mesh"] for other in nodes)
                if sum(other["type"] != "console" for other in control.ask(op="ls")["nodes"]) != own:
                    return False
    except (OSError, ValueError):
        return False
    return True


# Two meshes of nine, as anybody's first `grapevine up`. Nobody reads what it prints meanwhile, more than a pipe holds:
# that must not keep it from its work.
def agrees_with_the_kernel_also_after_churn(home):
    choose = random.Random(3)
    with cli.Program(home, "up", "--meshes", "2", "--per-mesh", PER_MESH, "--respawn", "--json") as up:
        nodes = json.loads(up.line(90))["nodes"]
        assert len(nodes) == 18
        first = check_all(nodes)
        print("        before:", first[nodes[0]["name"]], flush=True)
        survivors = {node["mesh"]: node for node in reversed(nodes)}  # The first of each mesh.
        kills = 0
        while kills < 50:
            victims = choose.sample([node for node in nodes if node["name"] != survivors[node["mesh"]]["name"]], 5)
            for victim in victims:
                os.kill(victim["pid"], signal.SIGKILL)
            kills += len(victims)
            gone = {victim["pid"] for victim in victims}

            def back():
                now = running(nodes)
                return now is not None and not gone & {node["pid"] for node in now} and all_know_all(now)
            cli.wait_until(back, 60, "the killed nodes are back")
            nodes = running(nodes)
        now = {node["name"]: node["pid"] for node in nodes}
        assert all(now[node["name"]] == node["pid"] for node in survivors.values())
        last = check_all(nodes)
        print(f"        after {kills} kills:", last[nodes[0]["name"]], flush=True)
        # What a node holds, but for who asks it and whom it tells, does not grow with deaths, its own or others'.
        assert first == last, (first, last)
        assert up.end(seconds=20) == 0


def the_command_shows_it(home):
    with cli.Program(home, "node", "--mesh", "m", "--type", "t", "--data-dir", home / "d", "--bind",
                     "127.0.0.1:0") as node:
        node.event("ready")
        code, out, err = cli.run(home, "ledger", "--data-dir", home / "d")
        assert code == 0 and "every law is kept" in out and "BROKEN" not in out, (code, out, err)
        for word in ("KIND", "BORN", "ENDED", "ALIVE", "OLDEST", "PEAK", "LIMIT", "LAW", "STATE", *KINDS):
            assert word in out, (word, out)
        code, out, err = cli.run(home, "ledger", "--json", "--data-dir", home / "d")
        assert code == 0 and json.loads(out)["ok"] is True, (code, out, err)
        with cli.Program(home, "ledger", "--json", "--watch", "--data-dir", home / "d") as watch:
            for _ in range(2):
                assert json.loads(watch.line())["laws_broken"] == 0
            assert watch.end(signal.SIGINT) == 0
    code, _, err = cli.run(home, "ledger", "--data-dir", home / "d")
    assert code == 4, (code, err)


def the_filter_changes_while_it_runs(home):
    def level(*words):
        return cli.run(home, "log-level", *words, "--data-dir", home / "d")
    with cli.Program(home, "node", "--mesh", "m", "--type", "t", "--data-dir", home / "d", "--bind", "127.0.0.1:0",
                     env={"MESH_LOG": "warn,gossip=debug"}) as node:
        node.event("ready")
        assert level() == (0, "warn,gossip=debug\n", "")
        assert level("info,sync=off") == (0, "info,sync=off\n", "")
        assert level() == (0, "info,sync=off\n", "")
        code, out, err = level("loud")
        assert code == 2 and out == "" and "'loud': no level" in err, (code, out, err)
        code, out, err = level("info,gosip=debug")
        assert code == 2 and "'gosip': no target" in err, (code, out, err)
        with Control(home / "d") as control:
            answer = control.ask(op="log-level", filter="info,,")
            assert answer["ok"] is False and answer["error"]["code"] == "invalid", answer
            assert control.ask(op="log-level", filter=3)["ok"] is False
        assert level()[1] == "info,sync=off\n", "what was refused changed nothing"


def a_wrong_setting_is_an_error_at_start(home):
    for env, word in (({"MESH_LOG": "loud"}, "'loud'"), ({"MESH_LOG": "info,nothing=debug"}, "'nothing'"),
                      ({"MESH_LOG_FORMAT": "xml"}, "'xml'")):
        code, out, err = cli.run(home, "node", "--mesh", "m", "--type", "t", "--data-dir", home / "d", env=env)
        assert code == 2 and out == "" and err.count("\n") == 1 and word in err, (code, out, err)


def lines_are_json(home):
    with cli.Program(home, "up", "--meshes", "1", "--per-mesh", "broker=2", "--json",
                     env={"MESH_LOG": "debug", "MESH_LOG_FORMAT": "json"}) as up:
        nodes = json.loads(up.line(60))["nodes"]
        os.kill(nodes[1]["pid"], signal.SIGKILL)
        up.line(60)
        lines = [json.loads(line) for line in (Path(nodes[0]["data_dir"]) / "node.log").read_text().splitlines()]
        assert up.end() == 0
    assert {"time", "level", "target", "site", "message"} <= set(lines[0]), lines
    joined = [line for line in lines if line["message"].startswith("joined " + nodes[1]["name"])]
    assert joined and joined[0]["level"] == "info" and joined[0]["target"] == "directory", lines


def an_exporters_connection_is_counted(home):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
               "OTEL_BSP_SCHEDULE_DELAY": "100"}
        with cli.Program(home, "node", "--mesh", "m", "--type", "t", "--data-dir", home / "d", "--bind", "127.0.0.1:0",
                         env=env) as program:
            name = program.event("ready")["name"]
            node = {"name": name, "pid": program.proc.pid, "data_dir": home / "d"}
            cli.wait_until(lambda: compare(node)[0]["export_connection"]["alive"] > 0, 10, "spans are being sent")
            rows, answer = compare(node)
            assert answer["laws_broken_ever"] == 0 and rows["export_connection"]["alive"] <= 3, rows


if __name__ == "__main__":
    sys.exit(cli.main([the_command_shows_it, the_filter_changes_while_it_runs, a_wrong_setting_is_an_error_at_start,
                       lines_are_json, an_exporters_connection_is_counted, agrees_with_the_kernel_also_after_churn]))
