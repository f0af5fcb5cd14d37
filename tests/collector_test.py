#!/usr/bin/env python3
"""`grapevine collect` and the commands that ask it, fed by hand-made OTLP; and the collector of `grapevine up`."""

import gzip
import http.client
import json
import os
import re
import signal
import stat
import sys
import time
from pathlib import Path

import cli_support as cli

SMALL = ("up", "--meshes", "1", "--per-mesh", "broker=2,gateway=1", "--json")
NODE = "mesh1.broker.abc123"


# Protobuf by hand: nothing here knows the encoder under test.
def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def fixed64(number, value):
    return varint(number << 3 | 1) + value.to_bytes(8, "little")


def attribute(number, key, value):
    return field(number, field(1, key) + field(2, field(1, value)))


def span(trace, own, parent, name, start, duration, more=b""):
    return field(2, field(1, bytes.fromhex(trace)) + field(2, bytes.fromhex(own)) +
                 (field(4, bytes.fromhex(parent)) if parent else b"") + field(5, name) + field(6, 1) +
                 fixed64(7, start) + fixed64(8, start + duration) + more)


def resource(service, node):
    return field(1, attribute(1, "service.name", service) + attribute(1, "service.instance.id", node + "-id") +
                 attribute(1, "mesh.id", "mesh1") + attribute(1, "mesh.node.name", node))


def traces(spans, service="broker", node=NODE):
    return field(1, resource(service, node) + field(2, b"".join(spans)))


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ROOT, CHILD, FAR = "00f067aa0ba902b7", "00f067aa0ba902b8", "00f067aa0ba902b9"


def boot():
    now = time.time_ns()
    failed = field(15, field(2, "no route to host") + field(3, 2))
    evil = attribute(9, "note", "\x1b[2Jcleared")
    return traces([span(TRACE, ROOT, "", "mesh.node.ready", now, 10_000_000),
                   span(TRACE, CHILD, ROOT, "mesh.boot.identity_minted", now, 9_500_000, evil),
                   span(TRACE, FAR, CHILD, "mesh.peer.connect_failed", now + 2_000_000, 1_000_000, failed)])


class Collector(cli.Program):
    def __init__(self, home, *words):
        super().__init__(home, "collect", "--json", "--listen", "127.0.0.1:0", *words)
        self.ready = self.event("ready")
        self.port = int(self.ready["url"].rpartition(":")[2])

    def post(self, path, body, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Content-Type": "application/x-protobuf", **{k.replace("_", "-"): v for k, v in headers.items()}}
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def status(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", "/api/status")
        return json.loads(connection.getresponse().read())


def answers(home):
    with Collector(home) as collector:
        assert collector.post("/v1/traces", boot())[0] == 200
        assert collector.post("/v1/traces", gzip.compress(boot()), Content_Encoding="gzip")[0] == 200
        code, out, err = cli.run(home, "trace", "ls", "--json")
        assert code == 0, err
        found = json.loads(out)["traces"]
        assert [t["trace_id"] for t in found] == [TRACE] and found[0]["spans"] == 3 and found[0]["errors"] == 1, found
        code, out, _ = cli.run(home, "trace", "show", TRACE[:6], "--json")
        assert code == 0 and [s["name"] for s in json.loads(out)["spans"]][0] == "mesh.node.ready", out
        code, out, _ = cli.run(home, "boot", NODE)
        assert code == 0 and "mesh.boot.identity_minted" in out and "95.0 %" in out, out
        code, out, _ = cli.run(home, "spans", "--json")
        assert code == 0 and {s["name"]: s["count"] for s in json.loads(out)["spans"]}["mesh.node.ready"] == 1, out
        assert cli.run(home, "trace", "ls", "--service", "compute")[1].startswith("no traces")
        assert "mesh.node.ready" in cli.run(home, "trace", "ls", "--min-duration", "5ms", "--since", "1h")[1]
        assert collector.end() == 0


def draws_a_waterfall(home):
    with Collector(home) as collector:
        collector.post("/v1/traces", boot())
        code, out, _ = cli.run(home, "trace", "show", TRACE)
        assert code == 0 and "\x1b" not in out and out.isascii(), out
        lines = out.splitlines()
        assert all(len(line) <= 160 for line in lines), out
        rows = {name: next(l for l in lines[3:] if name in l) for name in
                ("ready", "identity_minted", "connect_failed")}
        assert "`- mesh.boot.identity_minted" in rows["identity_minted"], out
        assert "! no route to host" in out, out
        # The bar of the whole is the longest, and the far one begins later.
        bars = {name: re.search(r"[=|]{1,}(?= +\S+ \S+$)", row) for name, row in rows.items()}
        assert len(bars["ready"][0]) > len(bars["connect_failed"][0]), out
        assert bars["connect_failed"].start() > bars["ready"].start(), out
        _, out, _ = cli.run(home, "trace", "show", TRACE, "--verbose")
        assert "note = \\x1b[2Jcleared" in out and "\x1b" not in out, out


def metrics_with_a_course(home):
    def gauge(value, at):
        point = fixed64(3, at) + fixed64(6, value)  # as_int is an sfixed64.
        return field(1, resource("broker", NODE) + field(2, field(
            2, field(1, "mesh.peers") + field(2, "Peers") + field(3, "{peer}") + field(5, field(1, point)))))

    with Collector(home) as collector:
        for i in range(5):
            assert collector.post("/v1/metrics", gauge(i + 1, time.time_ns() + i * 1000))[0] == 200
        code, out, err = cli.run(home, "metrics")
        assert code == 0 and "mesh.peers" in out, (out, err)
        code, out, _ = cli.run(home, "metrics", "mesh.peers", "--json")
        series = json.loads(out)["series"]
        assert code == 0 and series[0]["value"] == 5 and len(series[0]["history"]) == 5, out
        code, out, _ = cli.run(home, "metrics", "mesh.peers")
        assert code == 0 and NODE in out and "_-+%#" in out, out
        assert cli.run(home, "metrics", "no.such")[0] == 4


def says_what_is_wrong(home):
    code, _, err = cli.run(home, "trace", "ls", "--collector", "http://127.0.0.1:1")
    assert code == 4 and "127.0.0.1:1" in err, (code, err)
    assert cli.run(home, "trace", "ls", "--collector", "nonsense")[0] == 2
    assert cli.run(home, "trace", "ls", env={"GRAPEVINE_COLLECTOR": "ftp://x"})[0] == 2
    with Collector(home, "--store", home / "s") as collector:
        assert cli.run(home, "trace", "show", "abc")[0] == 4
        assert cli.run(home, "trace", "show", "xyz")[0] == 2
        assert cli.run(home, "boot", "nobody")[0] == 4
        code, _, err = cli.run(home, "collect", "--listen", "127.0.0.1:0", "--store", home / "s")
        assert code == 1 and "another collector has it" in err, (code, err)
        code, _, err = cli.run(home, "collect", "--listen", f"127.0.0.1:{collector.port}", "--store", home / "t")
        assert code == 1 and str(collector.port) in err, (code, err)
    for words in (("--max-size", "1MiB"), ("--max-size", "x"), ("--max-age", "0s"), ("--listen", "localhost:1")):
        assert cli.run(home, "collect", "--store", home / "u", *words)[0] == 2, words
    (home / "v").mkdir(mode=0o700)
    (home / "v" / "telemetry.db").write_text("no database" * 1000)
    code, _, err = cli.run(home, "collect", "--listen", "127.0.0.1:0", "--store", home / "v")
    assert code == 1 and "telemetry.db" in err, (code, err)


def refuses_bad_requests_and_counts_them(home):
    with Collector(home) as collector:
        assert collector.post("/v1/traces", b"\xff\xff\xff")[0] == 400
        assert collector.post("/v1/traces", b"{}", Content_Type="application/json")[0] == 415
        assert collector.post("/v1/traces", b"x" * (5 << 20))[0] == 413
        assert collector.post("/v1/traces", gzip.compress(b"\0" * (64 << 20)), Content_Encoding="gzip")[0] == 413
        assert collector.post("/v1/none", b"")[0] == 404
        status, body = collector.post("/v1/traces", traces([span("0" * 32, ROOT, "", "zero", 1, 1),
                                                            span(TRACE, ROOT, "", "fine", 1, 1)]))
        assert status == 200 and body, "a partial success says what was refused"
        counted = collector.status()
        assert counted["receiver"]["malformed"] == 1 and counted["receiver"]["unsupported_type"] == 1, counted
        assert counted["receiver"]["refused"] == 1 and counted["http"]["too_large"] == 2, counted
        assert counted["store"]["counters"]["spans_stored"] == 1, counted


def keeps_across_a_kill_and_within_its_size(home):
    store = home / "kept"
    with Collector(home, "--store", store, "--max-size", "4MiB") as collector:
        for number in range(30):
            spans = [span(f"{number + 1:032x}", f"{i + 1:016x}", "", "mesh.big", time.time_ns(), 1000,
                          attribute(9, "text", "x" * 1000)) for i in range(200)]
            assert collector.post("/v1/traces", traces(spans))[0] == 200
        counted = collector.status()["store"]
        assert counted["counters"]["traces_evicted_size"] > 0 and counted["bytes_of_file"] <= 4 << 20, counted
        assert stat.S_IMODE(os.stat(store / "telemetry.db").st_mode) == 0o600
        assert stat.S_IMODE(os.stat(store).st_mode) == 0o700
        before = json.loads(cli.run(home, "trace", "ls", "--limit", "1000", "--json")[1])["traces"]
        collector.end(signal.SIGKILL)
    with Collector(home, "--store", store, "--max-size", "4MiB"):
        after = json.loads(cli.run(home, "trace", "ls", "--limit", "1000", "--json")[1])["traces"]
        assert [t["trace_id"] for t in after] == [t["trace_id"] for t in before] and after


def children_of(pid):
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def collectors(home):
    return [json.loads(p.read_text()) for p in (home / "grapevine" / "collectors").glob("*.json")]


def up_brings_one_and_takes_it_along(home, sig=signal.SIGINT, code=0):
    with cli.Program(home, *SMALL) as up:
        found = json.loads(up.line(60))
        record = collectors(home)[0]
        assert found["collector"] == record["url"] and record["pid"] in children_of(up.proc.pid), found
        pids = children_of(up.proc.pid)
        assert cli.run(home, "trace", "ls")[0] == 0
        assert up.end(sig, 10) == code, up.errors()
        cli.wait_until(lambda: not any(map(cli.is_alive, pids)), 3, f"all children of {pids} are gone")


def up_killed_leaves_no_collector(home):
    up_brings_one_and_takes_it_along(home, signal.SIGKILL, -signal.SIGKILL)


def up_starts_a_dead_collector_again(home):
    with cli.Program(home, *SMALL) as up:
        url = json.loads(up.line(60))["collector"]
        first = collectors(home)[0]["pid"]
        os.kill(first, signal.SIGKILL)
        cli.wait_until(lambda: [r for r in collectors(home) if r["pid"] != first], 20, "another collector")
        assert collectors(home)[-1]["url"] == url or collectors(home)[0]["url"] == url
        assert cli.run(home, "spans")[0] == 0
        assert up.proc.poll() is None, "up ended with its collector"
        assert up.end() == 0
        assert "console: ended, signal 9" in up.errors(), up.errors()


def up_leaves_it_when_told_so(home):
    for words, env in ((("--no-collector",), {}), ((), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})):
        code, out, err = cli.run(home, *SMALL, "--for", "3s", *words, env=env, seconds=60)
        state = json.loads(out)
        assert code == 0 and state["collector"] is None, (code, out, err)
        assert (state["console"] is None) == bool(words), "the console is there all the same"
        assert not words or not (home / "grapevine" / "collectors").exists() or not collectors(home)


def the_boots_of_all_nodes_arrive(home):
    with cli.Program(home, *SMALL) as up:
        nodes = json.loads(up.line(60))["nodes"]
        for node in nodes:
            cli.wait_until(lambda name=node["name"]: cli.run(home, "boot", name)[0] == 0, 30,
                           f"the boot of {node['name']} in the collector")
            code, out, err = cli.run(home, "boot", node["name"], "--json")
            names = [s["name"] for s in json.loads(out)["spans"]]
            assert code == 0 and names[0] == "mesh.node.ready" and len(names) > 3, (out, err)
        assert up.end() == 0


def the_last_spans_arrive(home):
    code, _, err = cli.run(home, *SMALL, "--for", "4s", "--data-dir", home / "kept", seconds=60)
    assert code == 0, err
    with Collector(home, "--store", home / "kept" / "collector"):
        _, out, _ = cli.run(home, "trace", "ls", "--name", "mesh.node.stopping", "--json")
        assert len(json.loads(out)["traces"]) == 3, out


if __name__ == "__main__":
    sys.exit(cli.main([answers, draws_a_waterfall, metrics_with_a_course, says_what_is_wrong,
                       refuses_bad_requests_and_counts_them, keeps_across_a_kill_and_within_its_size,
                       up_brings_one_and_takes_it_along, up_killed_leaves_no_collector,
                       up_starts_a_dead_collector_again, up_leaves_it_when_told_so, the_boots_of_all_nodes_arrive,
                       the_last_spans_arrive]))
