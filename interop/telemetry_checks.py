"""What must be true of the telemetry of a cluster that booted, was used, and was stopped gracefully.

Each check takes what the collector received and what is known of the cluster from elsewhere, and returns what is wrong
as lines. `Known` comes from `grapevine up` and the driver's own clock, never from the telemetry.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

ROOT_SPAN, STOPPING_SPAN = "mesh.node.ready", "mesh.node.stopping"
BOOT_PREFIX = "mesh.boot."
# Each a choice of names: an identity is loaded or minted.
BOOT_SPANS = (("mesh.boot.identity_loaded", "mesh.boot.identity_minted"), ("mesh.boot.endpoint_created",),
              ("mesh.boot.alpn_registered",), ("mesh.boot.gossip_started",), ("mesh.boot.accept_loop_started",))
BOOT_COVERED_MIN = 0.9  # Of the root, by its children.
# All nodes start at once on few cores: one may lose a slice of the scheduler's between two steps, but few do.
SLICE_NS = 8_000_000
SLICED_MAX = 3
PING_SPANS = ("mesh.ping", "mesh.ping.answered")
BROADCAST_SPAN, ACCEPT_SPAN = "mesh.gossip.broadcast", "mesh.gossip.accept"
METRICS = {"mesh.peers": "{peer}", "mesh.directory.size": "{node}"}  # Name and unit of what each node must send.
DIRECTORY_METRIC = "mesh.directory.size"
SERVICES = {"broker", "gateway", "compute", "registry"}
SHOWN = 3


@dataclass(frozen=True)
class Known:
    nodes: dict  # Id -> the node's object in the JSON of `grapevine up`.
    began: int   # Nanoseconds since the epoch, before the first and after the last process of the cluster.
    ended: int

    def name(self, instance):
        return self.nodes[instance]["name"] if instance in self.nodes else instance[:6] or "no instance"

    def mesh(self, instance):
        return self.nodes.get(instance, {}).get("mesh", "")

    def meshes(self):
        return sorted({node["mesh"] for node in self.nodes.values()})


def some(things):
    """A few of many, for a line of text."""
    things = list(things)
    more = f" and {len(things) - SHOWN} more" if len(things) > SHOWN else ""
    return "; ".join(map(str, things[:SHOWN])) + more


def lines(what, offenders):
    offenders = list(offenders)
    return [f"{what}: {some(offenders)}"] if offenders else []


def check_resources(store, known):
    wrong = []
    for signal, seen in store.resources.items():
        wrong += lines(f"{signal} are missing of", (known.name(i) for i in known.nodes if i not in seen))
        wrong += lines(f"{signal} of strangers", (known.name(i) for i in seen if i not in known.nodes))
        for instance in seen.keys() & known.nodes.keys():
            wrong += resource_faults(signal, seen[instance], known.nodes[instance])
    return wrong + lines("resources that changed", map(known.name, store.changed_resources))


def resource_faults(signal, attributes, node):
    truth = {"service.name": node["type"], "mesh.id": node["mesh"], "mesh.node.name": node["name"],
             "process.pid": str(node["pid"])}
    found = (f"{key} is {attributes.get(key)!r}, not {value!r}" for key, value in truth.items()
             if str(attributes.get(key)) != value)
    wrong = lines(f"{signal}: resource of {node['name']}", found)
    if attributes.get("service.name") not in SERVICES:
        wrong.append(f"{signal}: {attributes.get('service.name')!r} is no node type")
    return wrong


def check_times(store, known):
    return (lines("spans without an id", (s for s in store.spans if len(s.trace) != 32 or len(s.id) != 16))
            + lines("spans that end before they start", (s for s in store.spans if s.end < s.start))
            + lines("spans outside the run", (s for s in store.spans if s.start < known.began or s.end > known.ended))
            + lines("spans that came twice", (s for s, n in Counter((s.trace, s.id) for s in store.spans).items()
                                              if n > 1)))


def check_causality(store, known):
    """Every parent arrived, and no child precedes its parent, across processes too."""
    by_id = {(s.trace, s.id): s for s in store.spans}
    children = [s for s in store.spans if s.parent]
    orphans = [s for s in children if (s.trace, s.parent) not in by_id]
    early = [s for s in children if (p := by_id.get((s.trace, s.parent))) and s.start < p.start]
    return lines("spans whose parent never came", orphans) + lines("spans earlier than their parent", early)


def boot_children(store, root):
    return [s for s in store.spans if (s.trace, s.parent, s.instance) == (root.trace, root.id, root.instance)
            and s.name.startswith(BOOT_PREFIX)]


def covered(root, children):
    """Which part of the root its children cover, overlaps counted once."""
    total, reached = 0, root.start
    for child in sorted(children, key=lambda c: c.start):
        total += max(0, min(child.end, root.end) - max(child.start, reached))
        reached = max(reached, child.end)
    return total / (root.end - root.start) if root.end > root.start else 0.0


def check_boot(store, known):
    roots = defaultdict(list)
    for span in store.spans:
        if span.name == ROOT_SPAN:
            roots[span.instance].append(span)
    wrong = lines(f"not one {ROOT_SPAN}", (f"{len(roots[i])} of {known.name(i)}" for i in known.nodes
                                           if len(roots[i]) != 1))
    traces = Counter(r.trace for spans in roots.values() for r in spans)
    wrong += lines("boot traces of several nodes", (t for t, n in traces.items() if n > 1))
    sliced = []
    for instance, spans in roots.items():
        for root in spans:
            wrong += [f"boot of {known.name(instance)}: {w}" for w in boot_faults(store, root)]
            if covered(root, boot_children(store, root)) < BOOT_COVERED_MIN:
                sliced.append(known.name(instance))
    return wrong + (lines("boots not covered by their children", sliced) if len(sliced) > SLICED_MAX else [])


def boot_faults(store, root):
    children = boot_children(store, root)
    names = {c.name for c in children}
    wrong = [f"{ROOT_SPAN} has a parent"] if root.parent else []
    wrong += lines("no child", (choice[0] for choice in BOOT_SPANS if not names & set(choice)))
    wrong += lines("outside the root", (c for c in children if c.start < root.start or c.end > root.end))
    part = covered(root, children)
    if part < BOOT_COVERED_MIN and (1 - part) * (root.end - root.start) > SLICE_NS:
        wrong.append(f"its children cover {part:.0%} of it, not {BOOT_COVERED_MIN:.0%}")
    return wrong


def check_stopping(store, known):
    ready = {s.instance: s for s in store.spans if s.name == ROOT_SPAN}
    stopping = defaultdict(list)
    for span in store.spans:
        if span.name == STOPPING_SPAN:
            stopping[span.instance].append(span)
    wrong = lines(f"not one {STOPPING_SPAN}", (f"{len(stopping[i])} of {known.name(i)}" for i in known.nodes
                                               if len(stopping[i]) != 1))
    early = [s for i, spans in stopping.items() for s in spans if i in ready and s.start < ready[i].end]
    return wrong + lines("stopping before ready", early)


def ping_traces(store):
    """Pairs of the asking and the answering span, of two instances and one trace."""
    asked = {s.trace: s for s in store.spans if s.name == PING_SPANS[0]}
    answers = [s for s in store.spans if s.name == PING_SPANS[1]]
    return [(asked[s.trace], s) for s in answers if s.trace in asked and asked[s.trace].instance != s.instance]


def broadcast_traces(store):
    """Trace -> instances, for traces in which a broadcast of one was accepted by another."""
    parts = defaultdict(lambda: defaultdict(set))
    for span in store.spans:
        if span.name in (BROADCAST_SPAN, ACCEPT_SPAN):
            parts[span.trace][span.name].add(span.instance)
    found = {t: p[BROADCAST_SPAN] | p[ACCEPT_SPAN] for t, p in parts.items() if p[BROADCAST_SPAN]}
    return {t: instances for t, instances in found.items() if len(instances) > 1}


def widest(store, known, mesh):
    sizes = [sum(known.mesh(i) == mesh for i in instances) for instances in broadcast_traces(store).values()]
    return max(sizes, default=0)


def check_across(store, known):
    """A ping is one trace of two nodes; in each mesh some broadcast is one trace of all its nodes."""
    wrong = [] if ping_traces(store) else ["no ping was answered by another node in the same trace"]
    for mesh in known.meshes():
        size, want = widest(store, known, mesh), sum(n["mesh"] == mesh for n in known.nodes.values())
        if size < want:
            wrong.append(f"no broadcast of {mesh} is one trace of its {want} nodes; the widest has {size}")
    strangers = [t for t, instances in broadcast_traces(store).items() if len({known.mesh(i) for i in instances}) > 1]
    return wrong + lines("broadcasts that crossed from one mesh to the other", strangers)


def check_metrics(store, known):
    units = defaultdict(set)
    for point in store.points:
        units[point.metric].add((point.unit, point.kind))
    wrong = lines("metrics of two units or kinds", (name for name, seen in units.items() if len(seen) > 1))
    wrong += lines("metrics without a unit", (name for name, seen in units.items() if any(not u for u, _ in seen)))
    sent = {(p.instance, p.metric, p.unit) for p in store.points}
    for name, unit in METRICS.items():
        lacking = [known.name(i) for i in known.nodes if (i, name, unit) not in sent]
        wrong += lines(f"no {name} in {unit} of", lacking)
    return wrong + point_faults(store, known) + directory_faults(store, known)


def point_faults(store, known):
    no_time = [p for p in store.points if not known.began <= p.time <= known.ended or p.start > p.time]
    delta = {p.metric for p in store.points if p.kind != "gauge" and not p.cumulative}
    bad = {p.metric for p in store.points if p.kind == "histogram" and not histogram_holds(p.histogram)}
    traces = {s.trace for s in store.spans}
    astray = {p.metric for p in store.points if any(t not in traces for t in p.exemplars())}
    series = defaultdict(list)
    for point in store.points:
        if point.monotonic or point.kind == "histogram":
            series[point.series()].append(point)
    shrunk = {key[1] for key, points in series.items() if shrinks(points)}
    return (lines("points outside the run", (f"{p.metric} of {known.name(p.instance)}" for p in no_time))
            + lines("metrics that are not cumulative", delta) + lines("histograms that do not add up", bad)
            + lines("counters that went back", shrunk) + lines("exemplars of unknown traces", astray))


def shrinks(points):
    ordered = sorted(points, key=lambda p: p.time)
    return any(later.value < earlier.value for earlier, later in zip(ordered, ordered[1:]))


def histogram_holds(raw):
    counts, bounds = [int(c) for c in raw.get("bucketCounts", ())], raw.get("explicitBounds", [])
    return len(counts) == len(bounds) + 1 and sum(counts) == int(raw.get("count", 0)) and bounds == sorted(bounds)


def directory_faults(store, known):
    """The largest directory that a node reported is its mesh, which `up` saw converge."""
    most = defaultdict(float)
    for point in store.points:
        if point.metric == DIRECTORY_METRIC:
            most[point.instance] = max(most[point.instance], point.value)
    return lines(f"{DIRECTORY_METRIC} is not what `up` saw",
                 (f"{most[i]:g} at {known.name(i)}, not {node['directory_size']}" for i, node in known.nodes.items()
                  if i in most and most[i] != node["directory_size"]))


def check_logs(store, known):
    traces = {s.trace for s in store.spans}
    return (lines("log records without a severity", (log.body for log in store.logs if log.severity == "none"))
            + lines("log records without text", (known.name(log.instance) for log in store.logs if not log.body))
            + lines("log records outside the run", (log.body for log in store.logs
                                                    if not known.began <= log.time <= known.ended))
            + lines("log records of unknown traces", (log.body for log in store.logs
                                                      if log.trace and log.trace not in traces)))


CHECKS = {"resources": check_resources, "times": check_times, "causality": check_causality, "boot": check_boot,
          "stopping": check_stopping, "across nodes": check_across, "metrics": check_metrics, "logs": check_logs}


def run(store, known):
    """All that is wrong, each line with its check's name."""
    return [f"{name}: {line}" for name, check in CHECKS.items() for line in check(store, known)]
