#!/usr/bin/env python3
"""Tests the telemetry scenario's checks through the real collector: sound telemetry must pass, each fault be reported.

A made-up cluster of two meshes sends OTLP/JSON. Run it by hand after a change here; the collector of README.md is
needed, grapevine is not.
"""

import os
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
import netns  # noqa: E402
import peers  # noqa: E402
import telemetry  # noqa: E402
import telemetry_checks as checks  # noqa: E402
import telemetry_report as report  # noqa: E402
from harness import Failure, Hub  # noqa: E402
from telemetry_made_up import BEGAN, ENDED, MS, MadeUp, made_up_nodes  # noqa: E402

STAND_IN = str(Path(__file__).resolve().parent / "telemetry_stand_in")
COLLECTOR = None  # Set once in setUpModule.


def setUpModule():
    global COLLECTOR
    COLLECTOR = peers.otel_collector()
    problem = netns.enter()
    if problem:
        raise unittest.SkipTest(f"no network namespace: {problem}")


def through_collector(made_up):
    """Sends all of it and returns what is wrong with what the collector wrote."""
    with Hub() as hub:
        collector = telemetry.Collector(hub, COLLECTOR)
        collector.require_ready()
        made_up.send(collector.endpoint())
        collector.stop(keep=False)
        return checks.run(collector.store, made_up.known), collector.store


class TelemetryTest(unittest.TestCase):
    def expect(self, made_up, *texts):
        wrong, _ = through_collector(made_up)
        for text in texts:
            self.assertRegex("\n".join(wrong), text)
        self.assertEqual(len(wrong), len(texts), wrong)

    def test_sound_telemetry_passes(self):
        wrong, store = through_collector(MadeUp())
        self.assertEqual(wrong, [])
        self.assertEqual((len(store.spans), len(store.points), len(store.logs)), (52, 72, 6))
        self.assertEqual(store.collections(), dict.fromkeys(made_up_nodes(), 3))
        text = "\n".join([*report.summary(store), *report.traces(store, MadeUp().known)])
        self.assertRegex(text, r"mesh.boot.endpoint_created +6 +6 +6 +10.000")
        self.assertRegex(text, r"mesh.peer.rtt +ms +histogram +18 +6 +6")
        self.assertRegex(text, r"INFO +6 +6 +6")
        self.assertRegex(text, r"\n  mesh.gossip.broadcast +mesh\d.broker.\w+ +0.000 +1.000\n    mesh.gossip.accept ")

    def test_a_silent_node_is_missed(self):
        made_up = MadeUp()
        instance = list(made_up.nodes)[-1]
        made_up.metrics[instance], made_up.logs[instance] = [], []
        self.expect(made_up, "metrics are missing of", "logs are missing of", "no mesh.peers in {peer} of",
                    "no mesh.directory.size in {node} of")

    def test_a_wrong_resource_is_reported(self):
        made_up = MadeUp()
        next(iter(made_up.resources.values()))["service.name"] = "grapevine"
        self.expect(made_up, *[f"{s}: {t}" for s in telemetry.SIGNALS
                               for t in ("resource of .* service.name is 'grapevine'", "'grapevine' is no node type")])

    def test_a_stranger_is_reported(self):
        made_up = MadeUp()
        made_up.known = checks.Known(dict(list(made_up.nodes.items())[1:]), BEGAN, ENDED)
        wrong, _ = through_collector(made_up)
        self.assertIn("traces of strangers", "\n".join(wrong))

    def test_a_span_that_ends_early_is_reported(self):
        made_up = MadeUp()
        made_up.first(checks.PING_SPANS[1])["endTimeUnixNano"] = str(BEGAN + 401 * MS)
        self.expect(made_up, "spans that end before they start: mesh.ping.answered")

    def test_a_child_before_its_parent_is_reported(self):
        made_up = MadeUp()
        made_up.first(checks.ACCEPT_SPAN)["startTimeUnixNano"] = str(BEGAN + 299 * MS)
        self.expect(made_up, "earlier than their parent: mesh.gossip.accept")

    def test_a_clock_of_another_year_is_reported(self):
        made_up = MadeUp()
        made_up.first(checks.STOPPING_SPAN)["endTimeUnixNano"] = str(2 * BEGAN)
        self.expect(made_up, "spans outside the run: mesh.node.stopping")

    def test_a_span_sent_twice_is_reported(self):
        made_up = MadeUp()
        spans = next(iter(made_up.spans.values()))
        spans.append(spans[-1])
        self.expect(made_up, "spans that came twice")

    def test_a_lost_parent_is_reported(self):
        made_up = MadeUp()
        made_up.without(checks.BROADCAST_SPAN)
        self.expect(made_up, "spans whose parent never came", "no broadcast of mesh1 .* the widest has 0",
                    "no broadcast of mesh2")

    def test_an_empty_boot_span_is_reported(self):
        made_up = MadeUp()
        span = made_up.first("mesh.boot.gossip_started")
        span["endTimeUnixNano"] = span["startTimeUnixNano"]
        self.expect(made_up, "boot of .* its children cover 80% of it")

    def test_a_boot_span_outside_the_root_is_reported(self):
        made_up = MadeUp()
        made_up.first("mesh.boot.accept_loop_started")["endTimeUnixNano"] = str(BEGAN + 151 * MS)
        self.expect(made_up, "outside the root: mesh.boot.accept_loop_started")

    def test_a_missing_boot_span_is_reported(self):
        made_up = MadeUp()
        made_up.first("mesh.boot.alpn_registered")["name"] = "mesh.boot.something_else"
        self.expect(made_up, "no child: mesh.boot.alpn_registered")

    def test_a_missing_end_is_reported(self):
        made_up = MadeUp()
        spans = next(iter(made_up.spans.values()))
        spans[:] = [s for s in spans if s["name"] != checks.STOPPING_SPAN]
        self.expect(made_up, "not one mesh.node.stopping: 0 of")

    def test_a_ping_of_two_traces_is_reported(self):
        made_up = MadeUp()
        for spans in made_up.spans.values():
            for span in (s for s in spans if s["name"] == checks.PING_SPANS[1]):
                span["traceId"] = f"{int(span['spanId'], 16):032x}"
                del span["parentSpanId"]
        self.expect(made_up, "no ping was answered by another node in the same trace")

    def test_a_narrow_broadcast_is_reported(self):
        made_up = MadeUp()
        made_up.first(checks.ACCEPT_SPAN)["name"] = "mesh.gossip.other"
        self.expect(made_up, "one trace of its 3 nodes; the widest has 2")

    def test_metrics_that_lie_are_reported(self):
        made_up = MadeUp()
        instance = next(iter(made_up.nodes))
        made_up.metrics[instance] = []
        made_up.add_metrics(instance, 1000, 7)
        made_up.add_metrics(instance, 2000, 5)
        _, size, frames, rtt = made_up.metrics[instance][:4]
        size["gauge"]["dataPoints"][0]["asInt"] = "9"
        frames["sum"]["aggregationTemporality"] = 1
        rtt["histogram"]["dataPoints"][0]["count"] = "4"
        rtt["histogram"]["dataPoints"][0]["exemplars"][0]["traceId"] = "f" * 32
        self.expect(made_up, "not cumulative: mesh.frames", "do not add up: mesh.peer.rtt",
                    "counters that went back: ", "exemplars of unknown traces: mesh.peer.rtt",
                    "directory.size is not what `up` saw: 9 at")

    def test_a_unit_that_changes_is_reported(self):
        made_up = MadeUp()
        next(m for m in next(iter(made_up.metrics.values())) if m["name"] == "mesh.peer.rtt")["unit"] = "s"
        self.expect(made_up, "two units or kinds: mesh.peer.rtt")

    def test_bad_logs_are_reported(self):
        made_up = MadeUp()
        log = next(iter(made_up.logs.values()))[0]
        log["severityNumber"], log["traceId"] = 0, "f" * 32
        self.expect(made_up, "without a severity: ready", "of unknown traces: ready")


class ScenarioTest(unittest.TestCase):
    """The whole scenario with telemetry_stand_in in the place of grapevine."""

    def setUp(self):
        telemetry.EXPORT_SECONDS = 0  # The stand-in sends at once.
        telemetry.NODES = len(made_up_nodes())
        self.addCleanup(os.environ.pop, "INTEROP_FAULT", None)
        self.addCleanup(os.environ.pop, "OTEL_EXPORTER_OTLP_HEADERS", None)

    def run_it(self, fault=""):
        os.environ["INTEROP_FAULT"] = fault
        os.environ["OTEL_EXPORTER_OTLP_HEADERS"] = "must=not-be-seen"
        return telemetry.run(STAND_IN, COLLECTOR, 1, "short", keep=False)

    def test_a_sound_cluster_passes(self):
        self.assertIn("6 nodes, 52 spans, 72 metric points, 6 log records", self.run_it())

    def expect(self, fault, text):
        with self.assertRaisesRegex(Failure, text):
            self.run_it(fault)

    def test_a_cluster_that_ends_is_reported(self):
        self.expect("die", "ended.*; it said: dying as told")

    def test_a_small_cluster_is_reported(self):
        telemetry.NODES = 18
        self.expect("", "6 nodes in 2 meshes converged, not 18 in 2")

    def test_a_ping_that_fails_is_reported(self):
        self.expect("deaf", "ping from mesh1.* to mesh1.*: nobody answers")

    def test_an_abrupt_end_is_reported(self):
        self.expect("abrupt", "not one mesh.node.stopping: 0 of")

    def test_silence_is_reported(self):
        self.expect("silent", "traces are missing of")

    def test_a_failed_stop_is_reported(self):
        self.expect("sore", r"did not leave cleanly on SIGTERM: up \(1\)")


if __name__ == "__main__":
    unittest.main(verbosity=2)
