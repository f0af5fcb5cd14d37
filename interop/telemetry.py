"""The telemetry scenario: a cluster exports to an OpenTelemetry Collector, and what arrived there is checked.

The nodes are told where to send it by the standard OTEL_* variables alone. The cluster is pinged across two nodes of
each mesh, runs until every node has sent its metrics several times, and is stopped gracefully.
"""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time

import peers
import telemetry_checks as checks
import telemetry_report as report
from harness import Failure, Hub, die_with_parent
from telemetry_store import SIGNALS, Store

METRIC_PERIOD_MS = {"full": 5000, "short": 1000}
COLLECTIONS_MIN = {"full": 6, "short": 3}  # Of metrics, by each node: how long the cluster runs.
NODES, MESHES = 18, 2  # What `grapevine up` boots by default.
COLLECTOR_SECONDS = 30
CONVERGE_SECONDS = 30
EXPORT_SECONDS = 30  # Beyond the metrics' own period.
PING_SECONDS = 20
BROADCAST_SECONDS = 40
STOP_SECONDS = 20
READY_TEXT = "Everything is ready"
KEPT = peers.CACHE / "telemetry-last"


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def config(port, paths):
    """The collector's configuration: JSON, which its YAML reader takes."""
    exporters = {f"file/{s}": {"path": paths[s], "flush_interval": "100ms"} for s in SIGNALS}
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}},
        "exporters": exporters,
        "service": {
            "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "info", "encoding": "json"}},
            "pipelines": {s: {"receivers": ["otlp"], "exporters": [f"file/{s}"]} for s in SIGNALS},
        },
    }


class Collector:
    """A running collector and what it has written so far."""

    def __init__(self, hub, binary):
        self.hub, self.port = hub, free_port()
        self.paths = {s: hub.path(s + ".jsonl") for s in SIGNALS}
        self.store = Store(self.paths)
        with open(hub.path("collector.yaml"), "w", encoding="utf-8") as file:
            json.dump(config(self.port, self.paths), file)
        command = [str(binary), "--config", "file:" + hub.path("collector.yaml")]
        self.child = hub.start("collector", command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def require_ready(self):
        self.hub.require(lambda: self.said(READY_TEXT) or not self.child.running(), COLLECTOR_SECONDS,
                         lambda: "the collector does not start" + self.child.last_words())
        if not self.child.running():
            raise Failure("the collector ended" + self.child.last_words())

    def said(self, text):
        with open(self.child.log_path, encoding="utf-8", errors="replace") as log:
            return text in log.read()

    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def stop(self, keep):
        """Ends it, so that its files are whole, and if asked keeps them for a look after the run."""
        self.hub.stop_all([self.child], STOP_SECONDS)
        self.store.update()
        if not keep:
            return
        KEPT.mkdir(parents=True, exist_ok=True)
        for path in self.paths.values():
            shutil.copy(path, KEPT)


class Cluster:
    """`grapevine up`, told about the collector by its environment."""

    def __init__(self, hub, grapevine, endpoint, form):
        self.hub, self.grapevine = hub, grapevine
        self.began, self.known = time.time_ns(), None
        self.form, self.data_dir = form, hub.path("data")
        command = [*environment(endpoint, form), grapevine, "up", "--json", "--no-console",
                   "--data-dir", self.data_dir]
        self.out = hub.path("up.json")
        with open(self.out, "wb") as out:
            self.child = hub.start("up", command, stdin=subprocess.DEVNULL, stdout=out)

    def require_converged(self):
        self.hub.require(lambda: self.first_line() or not self.child.running(), CONVERGE_SECONDS,
                         lambda: "the cluster does not converge" + self.child.last_words())
        if not self.first_line():
            raise Failure("`grapevine up` ended" + self.child.last_words())
        nodes = {node["id"]: node for node in json.loads(self.first_line())["nodes"]}
        self.known = checks.Known(nodes, self.began, 0)
        if (len(nodes), len(self.known.meshes())) != (NODES, MESHES):
            raise Failure(f"{len(nodes)} nodes in {len(self.known.meshes())} meshes converged, not {NODES} in {MESHES}")

    def first_line(self):
        with open(self.out, encoding="utf-8") as file:
            line = file.readline()
        return line if line.endswith("\n") else ""

    def ping(self, asking, answering):
        command = [self.grapevine, "ping", answering["name"], "--json", "--data-dir", asking["data_dir"]]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PING_SECONDS, check=False,
                                  preexec_fn=die_with_parent)
        except subprocess.TimeoutExpired:
            raise Failure(f"ping from {asking['name']} to {answering['name']} does not end") from None
        if done.returncode != 0:
            raise Failure(f"ping from {asking['name']} to {answering['name']}: {done.stderr.strip()[:300]}")

    def ping_in_each_mesh(self, choices):
        for mesh in self.known.meshes():
            members = sorted(i for i, node in self.known.nodes.items() if node["mesh"] == mesh)
            asking, answering = choices.sample(members, 2)
            self.ping(self.known.nodes[asking], self.known.nodes[answering])

    def stop(self):
        if not self.child.running():
            raise Failure("`grapevine up` ended by itself" + self.child.last_words())
        self.hub.stop_all([self.child], STOP_SECONDS)
        self.known = checks.Known(self.known.nodes, self.began, time.time_ns())


def environment(endpoint, form):
    """Nothing of the caller's own telemetry or mesh settings; then the standard variables."""
    foreign = [name for name in os.environ if name.startswith(("OTEL_", "MESH_"))]
    ours = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRIC_EXPORT_INTERVAL": METRIC_PERIOD_MS[form], "OTEL_BSP_SCHEDULE_DELAY": 1000,
            "MESH_LOG": "info,gossip=debug"}  # With the refreshes of digests, which a settled mesh hears whole.
    return ["env", *(word for name in foreign for word in ("-u", name)), *(f"{k}={v}" for k, v in ours.items())]


def require_metrics(hub, collector, known, form):
    """Waits until each node has sent its metrics several times. Missing ones are for the checks to report."""
    def enough():
        collector.store.update()
        counts = collector.store.collections()
        return all(counts.get(instance, 0) >= COLLECTIONS_MIN[form] for instance in known.nodes)

    seconds = EXPORT_SECONDS + COLLECTIONS_MIN[form] * METRIC_PERIOD_MS[form] / 1000
    if not hub.wait(enough, seconds, tick=0.25):
        print(f"  within {seconds:g} s not every node sent {COLLECTIONS_MIN[form]} collections of metrics")


def require_broadcasts(hub, collector, known):
    """Waits until a broadcast was heard by all of each mesh: refreshes come every ten seconds."""
    def heard():
        collector.store.update()
        return all(checks.widest(collector.store, known, mesh) >= sum(n["mesh"] == mesh for n in known.nodes.values())
                   for mesh in known.meshes())

    if not hub.wait(heard, BROADCAST_SECONDS, tick=0.25):
        print(f"  within {BROADCAST_SECONDS} s not every mesh heard a broadcast whole")


def verdict(store, known):
    line = report.closing_line(store, known)
    print("\n".join([*report.summary(store), *report.traces(store, known)]), flush=True)
    wrong = checks.run(store, known)
    for problem in wrong:
        print(f"  wrong: {problem}", file=sys.stderr, flush=True)
    if wrong:
        raise Failure(f"{len(wrong)} findings ({wrong[0][:300]}); {line}")
    return line


def run(grapevine, collector_binary, seed, form, keep=True):
    with Hub() as hub:
        collector = Collector(hub, collector_binary)
        collector.require_ready()
        cluster = Cluster(hub, grapevine, collector.endpoint(), form)
        cluster.require_converged()
        cluster.ping_in_each_mesh(random.Random(seed))
        require_metrics(hub, collector, cluster.known, form)
        require_broadcasts(hub, collector, cluster.known)
        cluster.stop()
        collector.stop(keep)
        return verdict(collector.store, cluster.known)
