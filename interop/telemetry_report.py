"""What came, for people: tables by name, and three traces as trees."""

import statistics
from collections import defaultdict

import telemetry_checks as checks

TREE_ROWS_MAX = 24


def table(title, rows):
    """Rows of a name and figures, under a title row."""
    rows = [title, *rows]
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(title))]
    return ["  " + "  ".join(str(c).ljust(w) if i == 0 else str(c).rjust(w)
                             for i, (c, w) in enumerate(zip(row, widths))) for row in rows]


def span_rows(store):
    groups = defaultdict(list)
    for span in store.spans:
        groups[span.name].append(span)
    return [(name, len(spans), len({s.instance for s in spans}), len({s.trace for s in spans}),
             f"{statistics.median(s.end - s.start for s in spans) / 1e6:.3f}")
            for name, spans in sorted(groups.items())]


def metric_rows(store):
    groups = defaultdict(list)
    for point in store.points:
        groups[point.metric, point.unit, point.kind].append(point)
    return [(name, unit, kind, len(points), len({p.instance for p in points}), len({p.series() for p in points}))
            for (name, unit, kind), points in sorted(groups.items())]


def log_rows(store):
    groups = defaultdict(list)
    for log in store.logs:
        groups[log.severity].append(log)
    return [(severity, len(logs), len({log.instance for log in logs}), sum(bool(log.trace) for log in logs))
            for severity, logs in sorted(groups.items())]


def summary(store):
    return [*table(("span", "count", "nodes", "traces", "median ms"), span_rows(store)),
            *table(("metric", "unit", "kind", "points", "nodes", "series"), metric_rows(store)),
            *table(("logs", "count", "nodes", "in a trace"), log_rows(store))]


def tree(store, known, trace):
    """The spans of one trace, children under parents, with their start after the first and their duration."""
    spans = sorted((s for s in store.spans if s.trace == trace), key=lambda s: (s.start, -s.end))
    ids = {s.id for s in spans}
    below = defaultdict(list)
    for span in spans:
        below[span.parent if span.parent in ids else ""].append(span)
    rows = []

    def walk(parent, depth):
        for span in below[parent]:
            start, length = (span.start - spans[0].start) / 1e6, (span.end - span.start) / 1e6
            rows.append(("  " * depth + span.name, known.name(span.instance), f"{start:.3f}", f"{length:.3f}"))
            walk(span.id, depth + 1)

    walk("", 0)
    more = [(f"and {len(rows) - TREE_ROWS_MAX} more", "", "", "")] if len(rows) > TREE_ROWS_MAX else []
    return table((f"trace {trace}", "node", "start ms", "ms"), [*rows[:TREE_ROWS_MAX], *more])


def traces(store, known):
    """The slowest boot, a ping, and the broadcast that reached most nodes."""
    boots = sorted((s for s in store.spans if s.name == checks.ROOT_SPAN), key=lambda s: s.end - s.start)
    pings, casts = checks.ping_traces(store), checks.broadcast_traces(store)
    wanted = [boots[-1].trace] if boots else []
    wanted += [pings[0][0].trace] if pings else []
    wanted += [max(casts, key=lambda t: len(casts[t]))] if casts else []
    return [line for trace in dict.fromkeys(wanted) for line in tree(store, known, trace)]


def closing_line(store, known):
    exports = ", ".join(f"{count} of {signal}" for signal, count in store.exports.items())
    wide = ", ".join(f"{checks.widest(store, known, mesh)} of {mesh}" for mesh in known.meshes())
    return (f"{len(known.nodes)} nodes, {len(store.spans)} spans, {len(store.points)} metric points, "
            f"{len(store.logs)} log records in {exports}; "
            f"exemplars: {sum(len(p.exemplars()) for p in store.points)}; "
            f"pings across nodes: {len(checks.ping_traces(store))}; nodes in the widest broadcast trace: {wide}")
