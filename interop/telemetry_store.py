"""What the OpenTelemetry Collector wrote, as values: spans, metric points, log records, each with its sender.

The collector's file exporter writes one line of OTLP/JSON an export. Files are read as they grow.
"""

import json
from dataclasses import dataclass

SIGNALS = ("traces", "metrics", "logs")
SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")  # Four numbers each, from 1 on.
CUMULATIVE = 2


@dataclass(frozen=True)
class Span:
    instance: str
    trace: str
    id: str
    parent: str  # Empty: a root.
    name: str
    kind: int
    start: int  # Nanoseconds since the epoch, like all times here.
    end: int
    attributes: dict
    links: tuple

    def __str__(self):
        return f"{self.name} {self.id} of {self.instance[:6]}"


@dataclass(frozen=True)
class Point:
    instance: str
    metric: str
    unit: str
    kind: str  # sum, gauge or histogram
    cumulative: bool
    monotonic: bool
    attributes: dict
    start: int
    time: int
    value: float  # Of a histogram: its count.
    histogram: dict  # Empty for others.

    def exemplars(self):
        """The traces that the point names as examples."""
        return [e.get("traceId", "") for e in self.histogram.get("exemplars", ())]

    def series(self):
        return self.instance, self.metric, tuple(sorted(self.attributes.items()))


@dataclass(frozen=True)
class Log:
    instance: str
    time: int
    severity: str
    body: str
    attributes: dict
    trace: str


def plain(value):
    """An OTLP AnyValue as what it holds. Lists and maps, which the nodes do not send, become text."""
    if "intValue" in value:
        return int(value["intValue"])
    for key in ("stringValue", "boolValue", "doubleValue"):
        if key in value:
            return value[key]
    return json.dumps(value, sort_keys=True)


def attributes_of(thing):
    return {a["key"]: plain(a.get("value", {})) for a in thing.get("attributes", ())}


class Tail:
    """The whole lines that a growing file has gained since the last call."""

    def __init__(self, path):
        self.path, self.offset = path, 0

    def lines(self):
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[:data.rfind(b"\n") + 1]
        self.offset += len(whole)
        return whole.splitlines()


class Store:
    """Everything received so far. `resources` maps signal to instance to the attributes that it last sent."""

    def __init__(self, paths):
        self.tails = {signal: Tail(paths[signal]) for signal in SIGNALS}
        self.resources = {signal: {} for signal in SIGNALS}
        self.exports = dict.fromkeys(SIGNALS, 0)
        self.spans, self.points, self.logs = [], [], []
        self.changed_resources = set()  # Instances that did not always send the same.

    def update(self):
        readers = {"traces": self.read_spans, "metrics": self.read_points, "logs": self.read_logs}
        keys = {"traces": ("resourceSpans", "scopeSpans"), "metrics": ("resourceMetrics", "scopeMetrics"),
                "logs": ("resourceLogs", "scopeLogs")}
        for signal in SIGNALS:
            outer, inner = keys[signal]
            for line in self.tails[signal].lines():
                self.exports[signal] += 1
                for block in json.loads(line).get(outer, ()):
                    instance = self.note_resource(signal, attributes_of(block.get("resource", {})))
                    for scope in block.get(inner, ()):
                        readers[signal](instance, scope)

    def note_resource(self, signal, attributes):
        instance = str(attributes.get("service.instance.id", ""))
        if self.resources[signal].setdefault(instance, attributes) != attributes:
            self.changed_resources.add(instance)
        return instance

    def read_spans(self, instance, scope):
        for raw in scope.get("spans", ()):
            links = tuple((link.get("traceId", ""), link.get("spanId", "")) for link in raw.get("links", ()))
            self.spans.append(Span(
                instance, raw.get("traceId", ""), raw.get("spanId", ""), raw.get("parentSpanId", ""),
                raw.get("name", ""), raw.get("kind", 0), int(raw.get("startTimeUnixNano", 0)),
                int(raw.get("endTimeUnixNano", 0)), attributes_of(raw), links))

    def read_points(self, instance, scope):
        for metric in scope.get("metrics", ()):
            kind = next((k for k in ("sum", "gauge", "histogram") if k in metric), "")
            data = metric.get(kind, {})
            for raw in data.get("dataPoints", ()):
                histogram = raw if kind == "histogram" else {}
                value = raw.get("count", 0) if histogram else raw.get("asDouble", raw.get("asInt", 0))
                self.points.append(Point(
                    instance, metric.get("name", ""), metric.get("unit", ""), kind,
                    data.get("aggregationTemporality") == CUMULATIVE, data.get("isMonotonic", False),
                    attributes_of(raw), int(raw.get("startTimeUnixNano", 0)), int(raw.get("timeUnixNano", 0)),
                    float(value), histogram))

    def read_logs(self, instance, scope):
        for raw in scope.get("logRecords", ()):
            number = raw.get("severityNumber", 0)
            severity = SEVERITIES[(number - 1) // 4] if 1 <= number <= 24 else "none"
            time = int(raw.get("timeUnixNano", 0) or raw.get("observedTimeUnixNano", 0))
            self.logs.append(Log(instance, time, severity, str(plain(raw.get("body", {}))), attributes_of(raw),
                                 raw.get("traceId", "")))

    def collections(self):
        """How many collections of metrics each instance has sent: distinct times of the metric that came most often."""
        times, most = {}, {}
        for point in self.points:
            times.setdefault((point.instance, point.metric), set()).add(point.time)
        for (instance, _), seen in times.items():
            most[instance] = max(most.get(instance, 0), len(seen))
        return most
