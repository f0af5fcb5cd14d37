#!/usr/bin/env python3
"""`grapevine console` as `up` brings it and alone: what it shows is what the nodes say, what it is asked it has done, and
whoever is not its user gets nothing."""

import contextlib
import json
import os
import signal
import socket
import stat
import sys
from pathlib import Path

import cli_support as cli
from console_support import Console, ask_node, converged, drawn, has_supervisor, is_member, members, said

SMALL = ("up", "--meshes", "1", "--per-mesh", "broker=2,gateway=1", "--json")


def eighteen_nodes_and_their_links(home):
    with cli.Program(home, "up", "--json") as up:
        state, console = converged(up)
        ids = {node["id"] for node in state["nodes"]}
        assert len(ids) == 18
        cli.wait_until(lambda: members(console) == ids, 2, "18 members")
        cli.wait_until(lambda: drawn(console) == said(state), 10, "each link as both ends say it")
        has_supervisor(console)
        cli.wait_until(lambda: (console.own() or {}).get("state") == "member", 5, "its own node")
        world = console.get("/api/world")
        assert console.own()["mesh"] == "mesh1" and console.own()["id"] == world["self"]
        assert len(drawn(console)) >= 18, "links are drawn"
        assert {m["name"]: m["state"] for m in world["meshes"]} == {"mesh1": "whole", "mesh2": "whole"}, world["meshes"]
        assert world["supervisor"] == {"present": True, "can_spawn": True, "why_not": None}, world["supervisor"]
        for node in world["nodes"]:
            assert node["here"] and node["process"] == "ready" and node["age_ms"] < 60000, node
        node = console.get(f"/api/nodes/{state['nodes'][0]['id']}")
        assert node["status"]["id"] == node["id"] and node["ledger"]["kinds"] and node["why"]["verdict"], node
        assert up.end() == 0


def listens_where_it_is_told_or_where_it_can(home):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        with cli.Program(home, *SMALL, "--console", address) as up:
            assert json.loads(up.line(90))["console"] is None
            assert up.end() == 0
            assert "going on without" in up.errors(), up.errors()
    with cli.Program(home, *SMALL, "--console", address) as up:
        _, console = converged(up)
        assert console.host == address and console.ask("/healthz")[0] == 200
        assert up.end() == 0
    try:
        usual = socket.create_server(("127.0.0.1", 19090))
    except OSError:
        usual = None  # Somebody else's: taken all the same.
    with cli.Program(home, *SMALL) as up:
        _, console = converged(up)
        assert console.port != 19090 and console.ask("/healthz")[0] == 200
        assert "127.0.0.1:19090 cannot be had" in up.errors(), up.errors()
        assert up.end() == 0
    if usual:
        usual.close()
        with cli.Program(home, *SMALL) as up:
            assert converged(up)[1].port == 19090
            assert up.end() == 0


def rows_stay_fresh_while_nothing_happens(home):
    with cli.Program(home, *SMALL) as up:
        _, console = converged(up)
        cli.wait_until(lambda: len(members(console)) == 3, 5, "its nodes")
        ages, fresher = {}, dict.fromkeys(console.nodes(), 0)

        def look():
            for node_id, node in console.nodes().items():
                fresher[node_id] += node["age_ms"] < ages.get(node_id, 0)
                ages[node_id] = node["age_ms"]
            return min(fresher.values()) >= 2

        cli.wait_until(look, 60, "two new digests of each")
        assert up.end() == 0


def what_is_asked_is_done_and_seen(home):
    with cli.Program(home, *SMALL) as up:
        state, console = converged(up)
        has_supervisor(console)
        spawned = console.post("/api/spawn", {"mesh": "mesh1", "type": "compute", "cpu_millicores": 500}, 201)["nodes"][0]
        cli.wait_until(lambda: is_member(console, spawned["id"]), 1, "the new node")
        assert console.nodes()[spawned["id"]]["cpu_budget_millicores"] == 500
        new = console.post("/api/spawn", {"mesh": "elsewhere", "type": "broker"}, 201)["nodes"][0]
        cli.wait_until(lambda: is_member(console, new["id"]), 5, "a node of a new mesh")
        assert console.post("/api/bootstrap", {"meshes": [{"mesh": "elsewhere", "per_mesh": {"broker": 1}}]})["started"] == []

        console.post(f"/api/nodes/{spawned['id']}/kill", {})
        cli.wait_until(lambda: console.nodes()[spawned["id"]]["process"] == "ended", 5, "its process ended")
        cli.wait_until(lambda: console.nodes()[spawned["id"]]["state"] == "dead", 60, "the survivors say that it died")
        died = [e for e in console.get("/api/timeline?kind=died")["events"] if e["node"] == spawned["id"]]
        assert died and died[0]["who"], died
        assert any(a["kind"] == "node_dead" for a in console.get("/api/world")["alerts"])

        victim = state["nodes"][-1]["id"]
        console.post(f"/api/nodes/{victim}/stop", {})
        cli.wait_until(lambda: console.nodes()[victim]["state"] == "left", 10, "it said goodbye")
        console.post(f"/api/nodes/{victim}/restart", {})
        cli.wait_until(lambda: is_member(console, victim), 20, "it is back, with its id")
        console.post(f"/api/nodes/{victim}/wedge", {})
        cli.wait_until(lambda: console.nodes()[victim]["process"] == "wedged", 5, "it is wedged")
        console.post(f"/api/nodes/{victim}/resume", {})
        cli.wait_until(lambda: console.nodes()[victim]["process"] == "ready", 5, "it goes on")
        assert console.get(f"/api/nodes/{victim}/log?lines=5")["lines"]

        kinds = {event["kind"] for event in console.get("/api/timeline?limit=1000")["events"]}
        assert {"spawn", "ready", "ended", "died", "wedged", "resumed", "action"} <= kinds, kinds
        audit = next(home.rglob("audit.log"))
        lines = [json.loads(line) for line in audit.read_text().splitlines()]
        assert [line["what"] for line in lines] == ["spawn", "spawn", "bootstrap", "kill", "stop", "restart", "wedge", "resume"]
        assert all(line["outcome"] == "done" for line in lines), lines
        assert stat.S_IMODE(audit.stat().st_mode) == 0o600 and console.token not in audit.read_text()
        assert up.end() == 0


def refuses_whoever_is_not_its_user(home):
    with cli.Program(home, *SMALL) as up:
        _, console = converged(up)
        for host in ("evil.example", f"evil.example:{console.port}", "127.0.0.1:1", f"192.0.2.1:{console.port}", ""):
            assert console.ask("/api/world", Host=host)[0] == 403, host
        assert console.ask("/api/world", Origin="http://evil.example")[0] == 403
        has_supervisor(console)
        wish = {"mesh": "mesh1", "type": "broker"}
        cli.wait_until(lambda: len(members(console)) == 3, 5, "its nodes")
        before = set(console.nodes())
        for headers, status in (({"Authorization": None}, 401), ({"Authorization": "Bearer " + "0" * 64}, 401),
                                ({"Origin": None}, 403), ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403),
                                ({"Content_Type": "text/plain"}, 415), ({"Host": "evil.example"}, 403)):
            console.post("/api/spawn", wish, status, **headers)
        for body, field in (("{", None), ("[]", None), ({"mesh": "../x", "type": "broker"}, "mesh"), ({"mesh": "m"}, "type"),
                            ({**wish, "path": "/bin/sh"}, "path"), ({**wish, "count": 0}, "count"),
                            ({**wish, "count": 100000}, "count"), ({**wish, "cpu_millicores": -1}, "cpu_millicores"),
                            ({"mesh": "m" * 64, "type": "broker"}, "mesh")):
            error = console.post("/api/spawn", body, 400)["error"]
            assert error.get("field") == field and error["code"] == "invalid", (body, error)
        console.post("/api/nodes/" + "0" * 64 + "/kill", {}, 404)
        console.post("/api/nodes/x/kill", {}, 400)
        assert console.ask("/api/world", "DELETE")[0] == 405
        assert set(console.nodes()) == before
        assert up.end() == 0


def bounds_what_comes(home):
    with cli.Program(home, *SMALL) as up:
        _, console = converged(up)
        cli.wait_until(lambda: len(members(console)) == 3, 5, "its nodes")
        with socket.create_connection(("127.0.0.1", console.port), 30) as sock:
            sock.sendall((f"POST /api/spawn HTTP/1.1\r\nHost: {console.host}\r\nOrigin: {console.url}\r\n"
                          f"Authorization: Bearer {console.token}\r\nContent-Type: application/json\r\n"
                          f"Content-Length: {1 << 30}\r\n\r\n").encode())
            assert sock.recv(100).startswith(b"HTTP/1.1 413"), "a body of 1 GB"
        idle = []
        try:
            for _ in range(500):
                idle.append(socket.create_connection(("127.0.0.1", console.port), 30))
            assert len(console.nodes()) == 3, "others are served"
        finally:
            for sock in idle:
                sock.close()
        lives = [live(console) for _ in range(24)]
        assert all(sock.recv(12) == b"HTTP/1.1 200" for sock in lives), "24 browsers"
        assert console.ask("/api/live")[0] == 503, "the 25th browser"
        lives.pop().close()
        cli.wait_until(lambda: stream_opens(console), 10, "room again")
        text = console.ask("/metrics")[1].decode()
        assert 'grapevine_console_refused_total{cause="streams"}' in text and text.endswith("# EOF\n"), text
        for sock in lives:
            sock.close()
        statuses = {console.ask("/api/nodes/x/kill", "POST", "{}", Content_Type="application/json", Origin=console.url,
                                Authorization=f"Bearer {console.token}")[0] for _ in range(200)}
        assert 429 in statuses, statuses
        assert up.end() == 0


def live(console, after=None):
    sock = socket.create_connection(("127.0.0.1", console.port), 30)
    query = "" if after is None else f"?after={after}"
    sock.sendall(f"GET /api/live{query} HTTP/1.1\r\nHost: {console.host}\r\n\r\n".encode())
    return sock


def stream_opens(console):
    with live(console) as sock:
        return sock.recv(100).startswith(b"HTTP/1.1 200")


def changes_come_as_they_happen(home):
    with cli.Program(home, *SMALL) as up:
        _, console = converged(up)
        has_supervisor(console)
        with live(console, console.get("/api/world")["version"]) as sock:
            sock.settimeout(20 * cli.SLOW)
            lines = sock.makefile()
            spawned = console.post("/api/spawn", {"mesh": "mesh1", "type": "broker"}, 201)["nodes"][0]
            seen = set()
            for line in lines:
                if line.startswith("data: "):
                    data = json.loads(line[6:])
                    seen |= {node["id"] for node in data.get("nodes", []) if node["state"] == "member"}
                    if spawned["id"] in seen:
                        break
            assert spawned["id"] in seen
        with live(console, 1) as sock:
            text = sock.makefile()
            assert any(line.startswith("event: reset") for line in text), "a version of another life"
        assert up.end() == 0


def its_death_touches_nothing(home):
    with cli.Program(home, *SMALL) as up:
        state, console = converged(up)
        has_supervisor(console)
        pids = [node["pid"] for node in state["nodes"]]
        spawned = console.post("/api/spawn", {"mesh": "mesh1", "type": "broker"}, 201)["nodes"][0]
        cli.wait_until(lambda: is_member(console, spawned["id"]), 5, "the new node")
        cli.wait_until(lambda: console.get("/api/timeline?kind=joined")["events"], 10, "that it joined")
        events = console.get("/api/timeline?limit=1000")["events"]
        record = json.loads(next((home / "grapevine" / "collectors").glob("*.json")).read_text())
        os.kill(record["pid"], signal.SIGKILL)

        def back():
            try:
                return len(members(console)) == 4
            except OSError:
                return False
        cli.wait_until(back, 30, "it is back and shows all nodes")
        again = {event["seq"]: event for event in console.get("/api/timeline?limit=1000")["events"]}
        assert all(again.get(event["seq"]) == event for event in events), "the history is whole"
        assert max(again) > max(event["seq"] for event in events), "and goes on"
        assert all(map(cli.is_alive, pids)) and up.proc.poll() is None
        assert up.end() == 0


def source_named(console, name):
    return next(source for source in console.get("/api/world")["sources"] if source["name"] == name)


def alone_with_pages_and_a_node_of_its_own(home):
    pages = home / "pages"
    (pages / "assets").mkdir(parents=True)
    (pages / "index.html").write_text("<!doctype html>here")
    (pages / "assets" / "app-1a2b.js").write_text("1")
    (home / "secret.txt").write_text("secret")
    words = ("console", "--listen", "127.0.0.1:0", "--store", home / "store", "--assets", pages, "--json", "--mesh", "solo",
             "--read-only")
    with cli.Program(home, *words) as program:
        console = Console(program.event("ready")["link"])
        status, body, headers = console.ask("/topology?mesh=solo")
        assert status == 200 and body == b"<!doctype html>here" and "script-src 'self'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer"
        status, _, headers = console.ask("/assets/app-1a2b.js")
        assert status == 200 and "immutable" in headers["Cache-Control"] and headers["Content-Type"].startswith("text/javascript")
        for path in ("/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt"):
            assert b"secret" not in console.ask(path)[1], path
        own = source_named(console, "own node")
        assert own["state"] == "down" and "waits for a node of solo" in own["text"], own
        with cli.Program(home, "node", "--mesh", "solo", "--type", "broker", "--bind", "127.0.0.1:0",
                         "--data-dir", home / "member") as member:
            node = member.event("ready")["id"]
            cli.wait_until(lambda: is_member(console, node) and console.own(), 10, "the node, and its own")
            cli.wait_until(lambda: source_named(console, "own node")["state"] == "up", 5, "it says so")
            world = console.get("/api/world")
            assert world["self"] == console.own()["id"] and console.own()["state"] == "member", world
            kinds = {row["kind"]: row for row in ask_node(home / "store" / "node", {"op": "ledger"})["kinds"]}
            assert kinds["data_dir"]["alive"] == kinds["data_dir"]["limit"] == 1, "the store's lock is no node's"
            assert all(kinds[kind]["limit"] > 512 for kind in ("descriptor", "socket", "watch", "timer")), kinds
            assert member.end() == 0
        assert world["read_only"] and not world["supervisor"]["present"], world
        console.post("/api/spawn", {"mesh": "m", "type": "broker"}, 403)
        assert console.ask("/healthz")[1] == b"ok\n" and console.ask("/readyz")[0] == 200
        assert stat.S_IMODE((home / "store" / "token").stat().st_mode) == 0o600
        assert program.end() == 0
    with cli.Program(home, *words[:-1], "--jaeger", "https://traces.example/ui") as program:
        again = Console(program.event("ready")["link"])
        assert again.token == console.token, "the link goes on working"
        assert again.get("/api/world")["jaeger"] == "https://traces.example/ui"
        assert program.end() == 0
    for jaeger in ("javascript:alert(1)", "http://user@host", "ftp://host", "http://a b", ""):
        code, _, err = cli.run(home, "console", "--jaeger", jaeger, "--store", home / "store")
        assert code == 2 and "--jaeger" in err, (jaeger, code, err)
    code, _, err = cli.run(home, "console", "--listen", "0.0.0.0:0", "--store", home / "store")
    assert code == 2 and "needs TLS" in err, (code, err)
    code, _, err = cli.run(home, "up", "--console", "0.0.0.0:0", "--for", "1s")
    assert code == 2 and "--console: '0.0.0.0:0' is not loopback" in err, (code, err)


def what_is_down_is_unknown(home):
    with cli.Program(home, *SMALL, "--no-console") as up:
        state = json.loads(up.line(90))
        with cli.Program(home, "console", "--listen", "127.0.0.1:0", "--store", home / "store", "--json") as program:
            console = Console(program.event("ready")["link"])
            cli.wait_until(lambda: len(members(console)) == 3, 10, "its nodes")
            assert up.end(signal.SIGKILL) == -signal.SIGKILL
            cli.wait_until(lambda: all(n["state"] == "unknown" for n in console.nodes().values()), 20, "nobody tells")
            world = console.get("/api/world")
            down = {source["name"] for source in world["sources"] if source["state"] == "down"}
            assert down == {"mesh mesh1", "supervisor"}, world["sources"]
            assert any(a["kind"] == "mesh_unknown" and a["severity"] == "unknown" for a in world["alerts"]), world["alerts"]
            assert len(console.nodes()) == len(state["nodes"])
            assert program.end() == 0


def told_by(console, mesh):
    """The one who tells of each of its members."""
    return {node["source"] for node in console.nodes().values() if node["mesh"] == mesh and node["state"] == "member"}


def source_of(console, mesh):
    return next((s for s in console.get("/api/world")["sources"] if s["name"] == f"mesh {mesh}"), None)


def other_meshes_are_watched_through_a_gateway_each(home):
    far, near = home / "far", home / "near"
    far.mkdir()
    near.mkdir()
    with cli.Program(far, "up", "--meshes", "2", "--per-mesh", "broker=2,gateway=2", "--json", "--no-console") as up:
        nodes = json.loads(up.line(90))["nodes"]
        ids = {mesh: {n["id"] for n in nodes if n["mesh"] == mesh} for mesh in ("mesh1", "mesh2")}
        gateways = {n["id"]: n["pid"] for n in nodes if n["mesh"] == "mesh2" and ".gateway." in n["name"]}
        seed = next(n for n in nodes if n["mesh"] == "mesh1")
        ticket = json.loads((Path(seed["data_dir"]) / "node.json").read_text())["ticket"]
        words = ("console", "--listen", "127.0.0.1:0", "--store", near / "store", "--json", "--mesh", "mesh1", "--seed", ticket)
        with cli.Program(near, *words) as program:
            console = Console(program.event("ready")["link"])
            cli.wait_until(lambda: members(console, "mesh2") == ids["mesh2"], 30, "the members of mesh2")
            cli.wait_until(lambda: members(console, "mesh1") == ids["mesh1"] and console.own()["state"] == "member", 10,
                           "its own mesh, and itself")
            assert len(told_by(console, "mesh2")) == 1 and told_by(console, "mesh2") <= set(gateways)
            world = console.get("/api/world")
            for node in world["nodes"]:
                here = node["id"] == world["self"]
                assert node["here"] == here and node["age_ms"] < 60000, node
                assert node["known_via"] == ("watch" if node["mesh"] == "mesh2" else "self" if here else node["known_via"]), node
            assert source_of(console, "mesh2")["state"] == "up", source_of(console, "mesh2")
            rows = ask_node(near / "store" / "node", {"op": "cache"})
            assert {r["id"] for r in rows["rows"] if r["source"] == "watch"} == ids["mesh2"], rows
            assert {w["mesh"]: w["state"] for w in rows["watches"]} == {"mesh1": "up", "mesh2": "up"}, rows["watches"]

            first = told_by(console, "mesh2").pop()
            os.kill(gateways.pop(first), signal.SIGKILL)
            cli.wait_until(lambda: told_by(console, "mesh2") == set(gateways), 60, "the other gateway tells")
            cli.wait_until(lambda: members(console, "mesh2") == ids["mesh2"] - {first}, 30, "the first one is no member")

            os.kill(gateways.popitem()[1], signal.SIGKILL)
            cli.wait_until(lambda: source_of(console, "mesh2")["state"] == "down", 60, "nobody tells")
            assert source_of(console, "mesh2")["since_unix_ms"] > 0 and not members(console, "mesh2")
            assert {n["state"] for n in console.nodes().values() if n["mesh"] == "mesh2"} <= {"unknown", "dead"}
            assert members(console, "mesh1") == ids["mesh1"], "the own mesh goes on"
            assert program.end() == 0


class ClosedFabric:
    """Two closed meshes of a gateway and a broker each, whose gateways may visit each other."""

    def __init__(self, home):
        self.home = home
        self.ids = {mesh: cli.run(home, "mesh", "create", mesh, "--out", home)[1].strip() for mesh in ("m1", "m2")}

    def admission(self, data_dir, member, visits=()):
        """The words by which the node of a data directory enters its mesh, and may visit others."""
        data_dir.mkdir(parents=True, mode=0o700, exist_ok=True)
        if not (data_dir / "key").exists():
            assert cli.run(self.home, "key", "new", data_dir / "key")[0] == 0
        own = cli.run(self.home, "key", "show", data_dir)[1].strip()
        words = ["--authority", self.ids[member]]
        for mesh in (member, *visits):
            ticket = data_dir.parent / f"{data_dir.name}-{mesh}.ticket"
            code, _, err = cli.run(self.home, "mesh", "admit", "--authority", self.home / f"{mesh}.authority", "--id", own,
                                   "--for", "1d", "--use", "member" if mesh == member else "visitor", "--out", ticket)
            assert code == 0, err
            words += ["--ticket", ticket]
        return words

    def node(self, name, mesh, kind, visits=(), seeds=()):
        words = self.admission(self.home / name, mesh, visits)
        return cli.Program(self.home, "node", "--mesh", mesh, "--type", kind, "--bind", "127.0.0.1:0", "--data-dir",
                           self.home / name, *words, *seeds)


def closed_meshes_are_entered_and_visited_by_tickets(home):
    far, near = home / "far", home / "near"
    far.mkdir()
    near.mkdir()
    fabric = ClosedFabric(far)
    with contextlib.ExitStack() as stack:
        g1 = stack.enter_context(fabric.node("g1", "m1", "gateway", ["m2"])).event("ready")
        g2 = stack.enter_context(fabric.node("g2", "m2", "gateway", ["m1"], ["--fabric-seed", g1["ticket"]])).event("ready")
        b1 = stack.enter_context(fabric.node("b1", "m1", "broker", [], ["--seed", g1["ticket"]])).event("ready")
        b2 = stack.enter_context(fabric.node("b2", "m2", "broker", [], ["--seed", g2["ticket"]])).event("ready")
        ids = {"m1": {g1["id"], b1["id"]}, "m2": {g2["id"], b2["id"]}}
        words = ("console", "--listen", "127.0.0.1:0", "--store", near / "store", "--json", "--mesh", "m1", "--seed", g1["ticket"])
        with cli.Program(near, *words, *fabric.admission(near / "store" / "node", "m1", ["m2"])) as program:
            console = Console(program.event("ready")["link"])
            for mesh in ("m1", "m2"):
                cli.wait_until(lambda mesh=mesh: members(console, mesh) == ids[mesh], 30, f"the members of {mesh}")
            assert console.own()["state"] == "member" and source_of(console, "m2")["state"] == "up"
            assert program.end() == 0
        with cli.Program(near, *words, *fabric.admission(near / "store" / "node", "m1")) as program:
            console = Console(program.event("ready")["link"])
            cli.wait_until(lambda: members(console, "m1") == ids["m1"], 30, "the members of its own mesh")
            cli.wait_until(lambda: source_of(console, "m2") and source_of(console, "m2")["state"] == "down", 30,
                           "without a ticket nobody tells")
            assert not members(console, "m2")
            assert program.end() == 0
    for wrong, text in ((("--ticket", near / "none"), "--ticket: needs --mesh"),
                        (("--mesh", "m1", "--ticket", near / "none"), "--ticket: ticket file"),
                        (("--mesh", "m1", "--authority", "abc"), "--authority: ")):
        code, _, err = cli.run(near, "console", "--listen", "127.0.0.1:0", "--store", near / "store", *wrong)
        assert code in (2, 4) and text in err, (wrong, code, err)


def a_closed_run_admits_its_console(home):
    with cli.Program(home, "up", "--closed", "--meshes", "2", "--per-mesh", "broker=1,gateway=1", "--json",
                     "--data-dir", home / "up") as up:
        state, console = converged(up)
        cli.wait_until(lambda: console.own() and console.own()["state"] == "member", 15, "its own node is a member")
        assert console.own()["mesh"] == "mesh1" and len(state["nodes"]) == len(console.nodes()) == 4
        for name in ("admission", "visit-mesh2"):
            assert cli.run(home, "mesh", "show", home / "up" / "collector" / "node" / name)[0] == 0, name
        has_supervisor(console)
        console.post("/api/spawn", {"mesh": "mesh3", "type": "broker"}, 201)
        cli.wait_until(lambda: members(console, "mesh3"), 15, "a mesh that is made later is seen, too")


if __name__ == "__main__":
    sys.exit(cli.main([eighteen_nodes_and_their_links, listens_where_it_is_told_or_where_it_can,
                       rows_stay_fresh_while_nothing_happens,
                       what_is_asked_is_done_and_seen, refuses_whoever_is_not_its_user, bounds_what_comes,
                       changes_come_as_they_happen, its_death_touches_nothing, alone_with_pages_and_a_node_of_its_own,
                       what_is_down_is_unknown, other_meshes_are_watched_through_a_gateway_each,
                       closed_meshes_are_entered_and_visited_by_tickets, a_closed_run_admits_its_console]))
