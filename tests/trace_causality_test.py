#!/usr/bin/env python3
"""Traces across processes whose clocks disagree by up to a minute: a ping and a broadcast to nine nodes are one trace
each, and no effect seems to come before its cause."""

import json
import signal
import sys

import cli_support as cli
import otlp_support as otlp

NODES = 9
SKEWS_MS = (0, 30_000, -30_000)


def start(home, receiver, number, seeds):
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "200", "MESH_LOG": "debug",
           "MESH_CLOCK_OFFSET_MS": str(SKEWS_MS[number % len(SKEWS_MS)])}
    words = ["node", "--mesh", "m1", "--type", "broker", "--bind", "127.0.0.1:0", "--data-dir", home / f"n{number}"]
    node = cli.Program(home, *words, *(word for seed in seeds for word in ("--seed", seed)), env=env)
    return node, json.loads(node.line())


def directory_of(home, number):
    code, out, _ = cli.run(home, "ls", "--json", "--data-dir", home / f"n{number}")
    return json.loads(out)["nodes"] if code == 0 else []


def check_order(spans):
    """Each child starts no earlier than its parent, in whichever process that is."""
    by_id = {span.id: span for span in spans}
    across = 0
    for span in spans:
        parent = by_id.get(span.parent)
        if parent is None:
            continue
        assert span.trace == parent.trace
        assert span.start >= parent.start, f"{span.name} starts {parent.start - span.start} ns before {parent.name}"
        if span.node != parent.node:
            across += 1
            shift, error = span.attributes.get("clock.shift_ms", 0.0), span.attributes.get("clock.error_ms")
            assert abs(shift) < 60_000 + 1_000, span.attributes
            if abs(shift) > 1_000:
                assert min(abs(abs(shift) - size) for size in (30_000, 60_000)) < 1_000, span.attributes
            assert error is None or error >= 0
    return across


def reached(spans, name, parent_name):
    """For each span `parent_name`: the nodes in which it has a child `name`."""
    parents = {span.id: span for span in spans if span.name == parent_name}
    out = {}
    for span in spans:
        if span.name == name and span.parent in parents:
            assert span.trace == parents[span.parent].trace
            out.setdefault(span.parent, set()).add(span.node)
    return out


def widest_broadcast(spans):
    accepted = reached(list(spans), "mesh.gossip.accept", "mesh.gossip.broadcast").values()
    return max(map(len, accepted), default=0)


def one_trace_across_clocks(home):
    nodes = []
    with otlp.Receiver() as receiver:
        try:
            for number in range(NODES):
                nodes.append(start(home, receiver, number, [nodes[0][1]["ticket"]] if nodes else []))
            for number in range(NODES):
                cli.wait_until(lambda n=number: len(directory_of(home, n)) == NODES, 20, "nine nodes know nine")
            # From a clock that is behind to one that is ahead, and back.
            for asker, asked in ((2, 1), (1, 2)):
                code, _, err = cli.run(home, "ping", "--data-dir", home / f"n{asker}", nodes[asked][1]["name"])
                assert code == 0, err
            # While all join, many learn a digest by an exchange before its broadcast; a refresh reaches everybody.
            assert receiver.wait_for(lambda r: widest_broadcast(r.spans) == NODES - 1, 40)
        finally:
            for node, _ in reversed(nodes):
                node.end(signal.SIGTERM)
        assert receiver.wait_for(lambda r: sum(s.name == "mesh.node.stopping" for s in r.spans) == NODES)
        spans = list(receiver.spans)
    ids = [ready["id"] for _, ready in nodes]
    pings = reached(spans, "mesh.ping.answered", "mesh.ping")
    assert {frozenset(answered) for answered in pings.values()} == {frozenset({ids[1]}), frozenset({ids[2]})}, pings
    widest = widest_broadcast(spans)
    assert widest == NODES - 1, f"the widest broadcast was accepted by {widest} nodes"
    across = check_order(spans)
    assert across >= NODES - 1 + 2
    print(f"{len(spans)} spans, {across} with a parent in another process, all in causal order")


if __name__ == "__main__":
    sys.exit(cli.main([one_trace_across_clocks]))
