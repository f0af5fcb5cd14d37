"""Sound telemetry of a made-up cluster: six nodes in two meshes, sent as OTLP/JSON. For the tests of the scenario."""

import json
import urllib.request

import telemetry_checks as checks

MS = 1_000_000
BEGAN, ENDED = 1_800_000_000_000 * MS, 1_800_000_060_000 * MS


def made_up_nodes(**more):
    nodes = [{"id": f"{n:064x}", "name": f"mesh{n % 2 + 1}.broker.{n:06x}", "mesh": f"mesh{n % 2 + 1}",
              "type": "broker", "pid": 100 + n, "directory_size": 3, **more} for n in range(1, 7)]
    return {node["id"]: node for node in nodes}


def attributes(values):
    return [{"key": k, "value": {"intValue": str(v)} if isinstance(v, int) else {"stringValue": v}}
            for k, v in values.items()]


class MadeUp:
    """The telemetry of a sound cluster as plain values, to be spoilt and then sent. Times are in `unit_ns`."""

    def __init__(self, nodes=None, began=BEGAN, unit_ns=MS):
        self.nodes = nodes or made_up_nodes()
        self.began, self.unit_ns = began, unit_ns
        self.known = checks.Known(self.nodes, BEGAN, ENDED)
        self.resources = {i: {"service.name": n["type"], "service.instance.id": i, "mesh.id": n["mesh"],
                              "mesh.node.name": n["name"], "process.pid": n["pid"]} for i, n in self.nodes.items()}
        self.spans = {i: [] for i in self.nodes}
        self.metrics = {i: [] for i in self.nodes}
        self.logs = {i: [] for i in self.nodes}
        self.last_id = 0
        for instance in self.nodes:
            self.add_life(instance)
        for mesh in self.known.meshes():
            self.add_traffic([i for i, n in self.nodes.items() if n["mesh"] == mesh])

    def at(self, time):
        return str(self.began + time * self.unit_ns)

    def span(self, instance, name, start, end, parent=None):
        self.last_id += 1
        trace = parent["traceId"] if parent else f"{self.last_id:032x}"
        span = {"traceId": trace, "spanId": f"{self.last_id:016x}", "name": name, "kind": 1,
                "startTimeUnixNano": self.at(start), "endTimeUnixNano": self.at(end)}
        if parent:
            span["parentSpanId"] = parent["spanId"]
        self.spans[instance].append(span)
        return span

    def add_life(self, instance):
        root = self.span(instance, checks.ROOT_SPAN, 100, 150)
        for number, choice in enumerate(checks.BOOT_SPANS):
            self.span(instance, choice[0], 100 + 10 * number, 110 + 10 * number, root)
        self.span(instance, checks.STOPPING_SPAN, 50_000, 50_010)
        for time, frames in ((1000, 5), (2000, 7), (3000, 7)):
            self.add_metrics(instance, time, frames)
        self.logs[instance].append({"timeUnixNano": self.at(200), "severityNumber": 9, "traceId": root["traceId"],
                                    "spanId": root["spanId"], "body": {"stringValue": "ready"}})

    def add_metrics(self, instance, time, frames):
        when = {"startTimeUnixNano": self.at(100), "timeUnixNano": self.at(time)}
        for name, unit in checks.METRICS.items():
            value = 3 if name == checks.DIRECTORY_METRIC else 2
            self.metrics[instance].append({"name": name, "unit": unit,
                                           "gauge": {"dataPoints": [{**when, "asInt": str(value)}]}})
        total = {**when, "asInt": str(frames), "attributes": attributes({"direction": "sent"})}
        self.metrics[instance].append({"name": "mesh.frames", "unit": "{frame}", "sum": {
            "aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [total]}})
        root = self.spans[instance][0]
        spread = {**when, "count": "3", "sum": 4.5, "explicitBounds": [1, 2], "bucketCounts": ["1", "1", "1"],
                  "exemplars": [{"timeUnixNano": self.at(150), "asDouble": 1.5, "spanId": root["spanId"],
                                 "traceId": root["traceId"]}]}
        self.metrics[instance].append({"name": "mesh.peer.rtt", "unit": "ms", "histogram": {
            "aggregationTemporality": 2, "dataPoints": [spread]}})

    def add_traffic(self, members):
        said = self.span(members[0], checks.BROADCAST_SPAN, 300, 301)
        for member in members[1:]:
            self.span(member, checks.ACCEPT_SPAN, 302, 303, said)
        asked = self.span(members[0], checks.PING_SPANS[0], 400, 410)
        self.span(members[1], checks.PING_SPANS[1], 402, 403, asked)

    def first(self, name):
        return next(s for spans in self.spans.values() for s in spans if s["name"] == name)

    def without(self, name):
        for instance, spans in self.spans.items():
            self.spans[instance] = [s for s in spans if s["name"] != name]

    def requests(self):
        for instance, values in self.resources.items():
            resource = {"attributes": attributes(values)}
            for signal, outer, inner, records in (
                    ("traces", "resourceSpans", "scopeSpans", {"spans": self.spans[instance]}),
                    ("metrics", "resourceMetrics", "scopeMetrics", {"metrics": self.metrics[instance]}),
                    ("logs", "resourceLogs", "scopeLogs", {"logRecords": self.logs[instance]})):
                if all(records.values()):
                    yield signal, {outer: [{"resource": resource, inner: [{"scope": {"name": "made-up"}, **records}]}]}

    def send(self, endpoint):
        for signal, body in self.requests():
            request = urllib.request.Request(f"{endpoint}/v1/{signal}", json.dumps(body).encode(),
                                             {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=10) as answer:
                if answer.status != 200:
                    raise RuntimeError(f"{signal}: the collector answered {answer.status}")
