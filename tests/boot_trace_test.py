#!/usr/bin/env python3
"""The boot trace of a node beside what others saw of the same boot. strace: the spans hold the system calls that do their
work, the children lie in the root and fill it. gdb: where a function is held up that does the work of a step, the
step's span holds the whole of that time, so that a span around nothing, or around something else, is found out."""

import json
import re
import os
import shutil
import signal
import sys
from pathlib import Path

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
# A function that each step calls for its work; some are called by other steps, too.
WORK = {
    "mesh.boot.settings_loaded": "grapevine::cli::Settings::load",
    "mesh.boot.telemetry_started": "grapevine::io::read_otel_environment",
    "mesh.boot.identity_minted": "grapevine::io::DataDir::load_or_mint_key",
    "mesh.boot.mesh_configured": "grapevine::parse_binds",
    "mesh.boot.alpn_registered": "grapevine::quic::check",
    "mesh.boot.endpoint_created": "grapevine::io::UdpSocket::bind",
    "mesh.boot.gossip_started": "grapevine::stack::Stack::start",
    "mesh.boot.accept_loop_started": "grapevine::io::Runtime::watch",
    "mesh.boot.control_started": "grapevine::MeshPart::publish",
    "mesh.boot.announced": "grapevine::cli::version_number",
}
AFTER_BOOT = "grapevine::io::NodeTelemetry::start_export"
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


def arguments(data, number, seeds):
    kind = ("broker", "gateway", "compute", "registry")[number % 4]
    words = ["node", "--mesh", f"mesh{number % 2}", "--type", kind, "--bind", "127.0.0.1:0", "--data-dir", data]
    return words + [word for seed in seeds for word in ("--seed", seed)]


def environment(receiver):
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}


def boot_one(home, receiver, number, seeds):
    data, log = home / f"n{number}", home / f"{number}.strace"
    words = [shutil.which("strace"), "-D", "-f", "--seccomp-bpf", "-ttt", "-s", "256"]
    words += ["-e", "trace=execve,openat,bind,write,epoll_ctl", "-o", str(log)]
    node = cli.Program(home, *arguments(data, number, seeds), env=environment(receiver), under=words)
    return node, json.loads(node.line()), log


def boot_spans(receiver, ready):
    """All spans of the node, once its boot trace has arrived."""

    def has_root(r):
        return any(s.node == ready["id"] and s.name == "mesh.node.ready" for s in r.spans)

    assert receiver.wait_for(has_root), f"no boot trace of {ready['name']} arrived"
    return [s for s in receiver.spans if s.node == ready["id"]]


def every_boot_is_one_trace(home):
    nodes, shares = [], []
    with otlp.Receiver() as receiver:
        try:
            for number in range(NODES):
                seeds = [nodes[number % 2][1]["ticket"]] if number > 1 else []
                nodes.append(boot_one(home, receiver, number, seeds))
            for _, ready, log in nodes:
                shares.append(check_boot(boot_spans(receiver, ready), calls_of(log)))
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


class HeldNode:
    """A node that gdb boots, holding it up in the functions of WORK. gdb ends when the node is up; the node runs on."""

    def __init__(self, home, receiver, number, seeds):
        self.result = home / f"{number}.holds"
        script = Path(__file__).with_name("boot_holds_gdb.py")
        words = [shutil.which("gdb"), "-nx", "-batch", "-readnever", "-iex", "set startup-with-shell off",
                 "-iex", "set debuginfod enabled off", "-x", str(script), "--args"]
        env = dict(environment(receiver), BOOT_HOLDS_RESULT=str(self.result),
                   BOOT_HOLDS_FUNCTIONS=json.dumps([*WORK.values(), AFTER_BOOT]))
        self.program = cli.Program(home, *arguments(home / f"h{number}", number, seeds), env=env, under=words)
        self.ready = self.pid = None
        self.holds = {}  # [(from, to)] of each function.

    def wait_ready(self):
        line = ""
        while not line.startswith('{"event":"ready"'):  # gdb talks on the same stdout.
            line = self.program.line(60)
        self.ready = json.loads(line)
        assert self.program.proc.wait(60 * cli.SLOW) == 0, self.program.errors()
        seen = json.loads(self.result.read_text())
        self.pid = seen["pid"]
        for function, began, ended in seen["holds"]:
            self.holds.setdefault(function, []).append((began, ended))

    def end(self):
        if self.pid is None:
            self.program.proc.kill()  # Takes what it traces along.
            self.program.proc.wait()
        elif cli.is_alive(self.pid):
            os.kill(self.pid, signal.SIGTERM)
            cli.wait_until(lambda: not cli.is_alive(self.pid), 10, "the node ends")


def check_holds(spans, holds):
    """Each step's span holds a whole hold of its function. Gives the shortest such hold, in ns."""
    root = next(span for span in spans if span.name == "mesh.node.ready")
    shortest = []
    for name, function in WORK.items():
        step = next(span for span in spans if span.name == name and span.parent == root.id)
        around = [to - at for at, to in holds.get(function, []) if step.start <= at and to <= step.end]
        assert around, f"{name} is not around {function}: {step.start} to {step.end}, held {holds.get(function)}"
        shortest.append(min(around))
    return min(shortest)


def every_step_wraps_its_work(home):
    nodes, shortest = [], []
    with otlp.Receiver() as receiver:
        try:
            for number in range(NODES):
                seeds = [nodes[number % 2].ready["ticket"]] if number > 1 else []
                nodes.append(HeldNode(home, receiver, number, seeds))
                nodes[-1].wait_ready()
            for node in nodes:
                shortest.append(check_holds(boot_spans(receiver, node.ready), node.holds))
        finally:
            for node in nodes:
                node.end()
    print(f"{NODES} boots: each of {len(WORK)} steps was held up for {min(shortest) / 1e6:.1f} ms, and so was its span")


if __name__ == "__main__":
    for tool in ("strace", "gdb"):
        if not shutil.which(tool):
            print(f"{tool} is not installed: skipped")
            sys.exit(77)
    sys.exit(cli.main([every_boot_is_one_trace, every_step_wraps_its_work]))
