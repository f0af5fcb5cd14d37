#!/usr/bin/env python3
"""Two meshes of nine real processes: a message from one to the other, its trace, and who carries its bytes."""

import json
import os
import signal
import socket
import struct
import sys
import threading

import cli_support as cli
import otlp_support as otlp

NODES = 18
PAYLOAD = 60 * 1024
ETHERNET, IPV4, UDP = 14, 0x0800, 17


class Capture:
    """Bytes of UDP payload that the loopback interface carried, by (source port, destination port). Needs CAP_NET_RAW."""

    def __init__(self):
        self.flows = {}
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(IPV4))
        self.socket.bind(("lo", 0))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
        self.socket.settimeout(0.2)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.is_set():
            try:
                packet, address = self.socket.recvfrom(1 << 17)
            except TimeoutError:
                continue
            if address[2] == socket.PACKET_OUTGOING:  # Each packet is seen twice: as it leaves and as it comes.
                continue
            header = (packet[ETHERNET] & 15) * 4
            if packet[ETHERNET + 9] != UDP:
                continue
            source, target, length = struct.unpack_from("!HHH", packet, ETHERNET + header)
            self.flows[source, target] = self.flows.get((source, target), 0) + length - 8

    def end(self):
        self.over.set()
        self.thread.join()
        self.socket.close()
        return self.flows


class Meshes:
    def __init__(self, home, env):
        self.home = home
        self.up = cli.Program(home, "up", "--json", "--no-collector", env=env)

    def __enter__(self):
        self.nodes = json.loads(self.up.line(60))["nodes"]
        assert len(self.nodes) == NODES
        return self

    def __exit__(self, *_):
        self.up.end(signal.SIGTERM, 10)
        self.up.__exit__()

    def node(self, mesh, node_type):
        return next(n for n in self.nodes if n["mesh"] == mesh and n["type"] == node_type)

    def run(self, node, command, *words, **more):
        return cli.run(self.home, command, "--data-dir", node["data_dir"], *words, **more)

    def status(self, node):
        return json.loads(self.run(node, "status", "--json")[1])


def the_meshes_learn_of_each_other(meshes):
    for mesh, other in (("mesh1", "mesh2"), ("mesh2", "mesh1")):
        source = meshes.node(mesh, "compute")
        cli.wait_until(lambda s=source, o=other: meshes.run(s, "resolve", f"{o}.broker")[0] == 0, 20, "names resolve")


def names_are_resolved_and_remembered(meshes):
    source = meshes.node("mesh1", "compute")
    code, out, err = meshes.run(source, "resolve", "--json", "mesh2.gateway")
    answer = json.loads(out)
    assert code == 0 and answer["verdict"] == "found" and answer["origin"] == "asked", (out, err)
    assert {c["type"] for c in answer["candidates"]} == {"gateway"} and len(answer["candidates"]) == 2, answer
    assert answer["steps"] and answer["steps"][-1]["end"] == "answered", answer
    assert json.loads(meshes.run(source, "resolve", "--json", "mesh2.gateway")[1])["origin"] == "cache"
    exact = meshes.node("mesh2", "registry")
    found = json.loads(meshes.run(source, "resolve", "--json", exact["name"])[1])["candidates"]
    assert [c["id"] for c in found] == [exact["id"]], found
    code, out, _ = meshes.run(source, "resolve", "--trace", "mesh2.compute")
    assert code == 0 and " asked mesh1.gateway." in out and "answered: found" in out, out
    cache = json.loads(meshes.run(source, "cache", "--json")[1])
    assert len([row for row in cache["rows"] if row["mesh"] == "mesh1"]) == 9, cache
    assert any(row["source"] == "cache" and row["name"] == exact["name"] for row in cache["rows"]), cache
    code, out, _ = meshes.run(source, "cache")
    assert code == 0 and out.startswith("NAME") and exact["name"] in out, out
    expected = {"broker": 3, "compute": 2, "gateway": 2, "registry": 2}

    def summary_is_right():  # Counts may lag by ten seconds.
        rows = json.loads(meshes.run(meshes.node("mesh1", "gateway"), "cache", "--json")[1])["meshes"]
        return [(row["mesh"], row["members"], len(row["sides"][0])) for row in rows] == [("mesh2", expected, 2)]

    cli.wait_until(summary_is_right, 30, "a gateway knows the other mesh")


def what_is_not_there_is_said(meshes):
    source = meshes.node("mesh1", "compute")
    for name, expected, words in (("mesh9.broker", 4, "no such mesh"), ("mesh2.nobody", 4, "no such node"),
                                  ("mesh2.broker.000000", 4, "no such node"), ("nonsense", 4, "no name")):
        for command in (("resolve", name), ("send", name, "x")):
            code, out, err = meshes.run(source, *command)
            assert code == expected and out == "" and err.count("\n") == 1, (command, code, out, err)
        assert words in meshes.run(source, "resolve", name)[2]
    assert meshes.run(source, "resolve")[0] == 2


def no_third_node_carries_the_payload(meshes):
    source, target = meshes.node("mesh1", "compute"), meshes.node("mesh2", "broker")
    before = {n["id"]: meshes.status(n) for n in meshes.nodes}
    capture = Capture() if os.geteuid() == 0 else None
    try:
        code, out, err = meshes.run(source, "request", "--json", target["name"], stdin=os.urandom(PAYLOAD))
    finally:
        flows = capture.end() if capture else None
    assert code == 0 and json.loads(out)["peer"] == target["id"], (code, out, err)
    carried = {n["name"]: meshes.status(n)["figures"]["delivery.bytes_received"]
               - before[n["id"]]["figures"]["delivery.bytes_received"] for n in meshes.nodes}
    both = {source["name"], target["name"]}
    assert all((carried[name] >= PAYLOAD) == (name in both) and (name in both or carried[name] == 0)
               for name in carried), carried
    if flows is None:
        print("        (no packet capture: it needs root)", flush=True)
        return
    ports = {int(addr.rpartition(":")[2]): name for name, addrs in
             ((s["name"], s["addrs"]) for s in before.values()) for addr in addrs}
    large = {(ports.get(a), ports.get(b)) for (a, b), size in flows.items() if size > PAYLOAD // 4}
    assert large == {(source["name"], target["name"]), (target["name"], source["name"])}, (large, flows)


def one_trace_there_and_back(meshes, receiver):
    source, target = meshes.node("mesh1", "registry"), meshes.node("mesh2", "compute")
    assert meshes.run(source, "request", target["name"], "x")[:2] == (0, "x\n")

    def complete(r):
        trace = [s for s in r.spans if s.name == "mesh.deliver" and s.node == source["id"]]
        return trace and {s.name for s in r.spans if s.trace == trace[0].trace} >= {
            "mesh.resolve", "mesh.resolve.answer", "mesh.deliver.handle"}

    assert receiver.wait_for(complete, 30)
    spans = list(receiver.spans)
    sent = next(s for s in spans if s.name == "mesh.deliver" and s.node == source["id"])
    by_id = {s.id: s for s in spans if s.trace == sent.trace}
    handled = next(s for s in by_id.values() if s.name == "mesh.deliver.handle")
    assert handled.node == target["id"] and handled.parent == sent.id
    answers = [s for s in by_id.values() if s.name == "mesh.resolve.answer"]
    meshes_of = {n["id"]: n["mesh"] for n in meshes.nodes}
    assert {meshes_of[s.node] for s in answers} == {"mesh1", "mesh2"}, answers
    for span in answers:
        while span.id != sent.id:
            span = by_id[span.parent]


def fabric(home):
    with otlp.Receiver() as receiver:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        with Meshes(home, env) as meshes:
            for check in (the_meshes_learn_of_each_other, names_are_resolved_and_remembered,
                          what_is_not_there_is_said, no_third_node_carries_the_payload):
                print(f"        {check.__name__}", flush=True)
                check(meshes)
            print("        one_trace_there_and_back", flush=True)
            one_trace_there_and_back(meshes, receiver)


if __name__ == "__main__":
    sys.exit(cli.main([fabric]))
