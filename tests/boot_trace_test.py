#!/usr/bin/env python3
"""The boot trace of a node beside what strace saw of the same boot: each span holds the system calls that do its work,
the children lie in the root and fill it."""

import json
import re
import shutil
import signal
import sys

import cli_support as cli
import otlp_support as otlp

NODES = 18
CHILDREN = {
    "mesh.boot.settings_loaded",
    "mesh.boot.telemetry_started",
    "mesh.boot.identity_minted",
    "mesh.boot.mesh_configured",
    "mesh.boot.endpoint_created",
    "mesh.boot.alpn_registered",
    "mesh.boot.gossip_started",
    "mesh.boot.accept_loop_started",
    "mesh.boot.control_started",
    "mesh.boot.announced",
}
READY = r'^write\(1, "\{\\"event\\":\\"ready\\"'
# A system call by which each span's work shows, as strace prints it.
EVIDENCE = {
    "mesh.boot.identity_minted": r"^openat\(.*/key",
    "mesh.boot.endpoint_created": r"^bind\(.*sa_family=AF_INET",
    "mesh.boot.control_started": r"^bind\(.*control\.sock",
    "mesh.boot.announced": READY,
}
# Of these calls, which others make too, at least one.
EVIDENCE_AMONG_OTHERS = {"mesh.boot.accept_loop_started": r"^epoll_ctl\(.*EPOLL_CTL_ADD"}
COVERED_MIN = 0.9
# strace reads the clock when it is told of a call, a little before or after the node does.
SLACK_NS = 2_000_000
CALL = re.compile(r"^(?:\d+ +)?(\d+)\.(\d+) (.*)$")


def calls_of(path):
    """(wall clock in ns, text) of each system call."""
    calls = []
    for line in path.read_text(errors="replace").splitlines():
        match = CALL.match(line)
        if match:
            calls.append((int(match[1]) * 10**9 + int(match[2].ljust(9, "0")), match[3]))
    return calls


def times(calls, pattern):
    found = [at for at, text in calls if re.search(pattern, text)]
    assert found, f"strace saw nothing like {pattern}"
    return found


def inside(at, span):
    return span.start - SLACK_NS <= at <= span.end + SLACK_NS


def check_boot(spans, calls):
    """The share of the root that its children cover, and of the time since exec that the root covers."""
    root = next(span for span in spans if span.name == "mesh.node.ready")
    trace = [span for span in spans if span.trace == root.trace]
    children = sorted((span for span in trace if span.parent == root.id), key=lambda span: span.start)
    assert root.parent == "" and {child.name for child in children} == CHILDREN, [c.name for c in children]
    for child in children:
        assert root.start <= child.start <= child.end <= root.end, child
    for before, after in zip(children, children[1:]):
        assert before.end <= after.start, (before, after)
    for child in children:
        if child.name in EVIDENCE:
            assert all(inside(at, child) for at in times(calls, EVIDENCE[child.name])), child
            assert child.end > child.start
        if child.name in EVIDENCE_AMONG_OTHERS:
            seen = [at for at in times(calls, EVIDENCE_AMONG_OTHERS[child.name]) if inside(at, child)]
            assert seen and child.end > child.start, child
    executed, ready = calls[0][0], times(calls, READY)[0]
    assert executed - SLACK_NS <= root.start and inside(ready, root), (executed, root.start, ready, root.end)
    covered = sum(child.end - child.start for child in children) / (root.end - root.start)
    assert covered >= COVERED_MIN, f"the children cover {covered:.3f} of the root"
    return covered, (root.end - root.start) / (ready - executed)


def boot_one(home, receiver, number, seeds):
    data, log = home / f"n{number}", home / f"{number}.strace"
    words = [shutil.which("strace"), "-D", "-f", "--seccomp-bpf", "-ttt", "-s", "256"]
    words += ["-e", "trace=execve,openat,bind,write,epoll_ctl", "-o", str(log)]
    kind = ("broker", "gateway", "compute", "registry")[number % 4]
    args = ["node", "--mesh", f"mesh{number % 2}", "--type", kind, "--bind", "127.0.0.1:0", "--data-dir", data]
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    node = cli.Program(home, *args, *(w for s in seeds for w in ("--seed", s)), env=env, under=words)
    return node, json.loads(node.line()), log


def every_boot_is_one_trace(home):
    nodes, shares = [], []
    with otlp.Receiver() as receiver:
        try:
            for number in range(NODES):
                seeds = [nodes[number % 2][1]["ticket"]] if number > 1 else []
                nodes.append(boot_one(home, receiver, number, seeds))
            for _, ready, log in nodes:
                node_id = ready["id"]

                def has_root(r, node_id=node_id):
                    return any(s.node == node_id and s.name == "mesh.node.ready" for s in r.spans)

                assert receiver.wait_for(has_root), f"no boot trace of {ready['name']} arrived"
                shares.append(check_boot([s for s in receiver.spans if s.node == node_id], calls_of(log)))
        finally:
            for node, _, _ in nodes:
                node.end(signal.SIGTERM)
    traces = {s.trace for s in receiver.spans if s.name == "mesh.node.ready"}
    assert len(traces) == NODES, "one trace a boot"
    print(
        f"{NODES} boots: children cover {min(c for c, _ in shares):.3f} of the root at least; "
        f"the root covers {min(r for _, r in shares):.3f} of exec to ready (the loader comes before main)"
    )
    stopped = {s.node for s in receiver.spans if s.name == "mesh.node.stopping"}
    assert stopped == {ready["id"] for _, ready, _ in nodes}, "the last span of each graceful stop arrives"


if __name__ == "__main__":
    if not shutil.which("strace"):
        print("strace is not installed: skipped")
        sys.exit(77)
    sys.exit(cli.main([every_boot_is_one_trace]))
