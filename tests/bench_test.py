#!/usr/bin/env python3
"""`grapevine bench` between real processes: what it reports, and that it ends with whoever asked for it."""

import json
import signal
import struct
import sys

import cli_support as cli

UP = ("up", "--meshes", "2", "--per-mesh", "broker=2,gateway=1", "--json", "--no-collector")


class Meshes:
    def __init__(self, home):
        self.home = home
        self.up = cli.Program(home, *UP)

    def __enter__(self):
        nodes = json.loads(self.up.line(60))["nodes"]
        self.source = [n for n in nodes if (n["mesh"], n["type"]) == ("mesh1", "gateway")][0]
        return self

    def __exit__(self, *_):
        self.up.end(signal.SIGTERM, 10)
        self.up.__exit__()

    def bench(self, *words):
        return cli.run(self.home, "bench", "--data-dir", self.source["data_dir"], *words, seconds=60)

    def json(self, *words):
        code, out, err = self.bench("--json", *words)
        lines = [json.loads(line) for line in out.splitlines()]
        assert lines, (code, err)
        return code, lines[:-1], lines[-1]

    def submitted(self):
        status = json.loads(cli.run(self.home, "status", "--json", "--data-dir", self.source["data_dir"])[1])
        return sum(value for name, value in status["figures"].items() if name.startswith("delivery.ended."))


def an_open_loop_sends_what_is_due(meshes):
    outcomes = meshes.home / "outcomes"
    code, progress, end = meshes.json("mesh1.broker", "--rate", "250", "--for", "2s", "--outcomes", outcomes)
    assert code == 0 and end["ok"], end
    assert (end["due"], end["submitted"], end["ended"]["acknowledged"]) == (500, 500, 500), end
    assert (end["lost"], end["unsubmitted"], end["unanswered"]) == (0, 0, 0), end
    latency = end["latency_us"]
    assert latency["count"] == 500 and 0 < latency["p50"] <= latency["p99"] <= latency["max"], latency
    assert progress and all(line["event"] == "progress" for line in progress), progress
    records = list(struct.Struct(">QQBB").iter_unpack(outcomes.read_bytes()))
    assert len(records) == len({record[:2] for record in records}) == 500, len(records)
    assert {record[2:] for record in records} == {(0, 2)}, "acknowledged, handled"


def thousands_a_second_and_replies(meshes):
    code, _, end = meshes.json("mesh1.broker", "--request", "--rate", "2000", "--for", "1s", "--size", "1000")
    assert code == 0 and end["ended"]["acknowledged"] == end["due"] == 2000, end


def a_closed_loop_goes_as_fast_as_it_is_answered(meshes):
    code, _, end = meshes.json("mesh1.broker", "--max", "--for", "500ms", "--unanswered", "8")
    assert code == 0 and end["lost"] == 0 and end["submitted"] == end["ended"]["acknowledged"] > 8, end


def a_name_of_another_mesh_is_as_good(meshes):
    def reached():
        return cli.run(meshes.home, "send", "--data-dir", meshes.source["data_dir"], "mesh2.broker", "x")[0] == 0

    cli.wait_until(reached, 60, "mesh2 is known")
    code, _, end = meshes.json("mesh2.broker", "--rate", "100", "--for", "1s")
    assert code == 0 and end["ended"]["acknowledged"] == 100, end


def what_fails_is_counted_by_its_outcome(meshes):
    code, _, end = meshes.json("mesh1.registry", "--rate", "50", "--for", "1s")
    assert code == 1 and end["ended"]["no_such_node"] == 50 and end["lost"] == 0, end
    code, out, _ = meshes.bench("mesh1.registry", "--rate", "50", "--for", "1s")
    assert code == 1 and "no_such_node" in out and "100 %" in out, out


def people_get_a_table(meshes):
    code, out, err = meshes.bench("mesh1.broker", "--for", "1s", "--rate", "100")
    assert code == 0 and err == "", (code, err)
    assert out.startswith("100 submitted in ") and "p99" in out and "acknowledged" in out and "lost" in out, out


def it_ends_with_whoever_asked(meshes):
    with cli.Program(meshes.home, "bench", "--data-dir", meshes.source["data_dir"], "mesh1.broker", "--for", "1h",
                     "--json") as bench:
        bench.event("progress")
        assert bench.end(signal.SIGKILL) == -signal.SIGKILL
    seen = [meshes.submitted(), -1]

    def still():
        seen[:] = [meshes.submitted(), seen[0]]
        return seen[0] == seen[1]

    cli.wait_until(still, 10, "nothing more is sent")


def wrong_usage_is_explained(meshes):
    for words, text in (
            ((), "NAME"),
            (("mesh1.broker", "--rate", "0"), "--rate"),
            (("mesh1.broker", "--rate", "1000001"), "--rate"),
            (("mesh1.broker", "--max", "--rate", "5"), "--max, --rate: one of them"),
            (("mesh1.broker", "--for", "soon"), "'soon' is no time"),
            (("mesh1.broker", "--size", "61441"), "--size"),
            (("mesh1.broker", "--unanswered", "0"), "--unanswered")):
        code, out, err = meshes.bench(*words)
        assert (code, out) == (2, "") and text in err and err.count("\n") == 1, (words, code, out, err)
    code, _, err = meshes.bench("mesh 1", "--for", "1s")
    assert code == 1 and "printable characters" in err, (code, err)
    code, _, err = meshes.bench("mesh1.broker", "--for", "1s", "--outcomes", meshes.home / "none" / "file")
    assert code == 1 and "cannot be opened" in err, (code, err)
    assert cli.run(meshes.home, "bench", "mesh1.broker", "--node", "mesh9")[0] == 4


def loads(home):
    with Meshes(home) as meshes:
        for check in (an_open_loop_sends_what_is_due, thousands_a_second_and_replies,
                      a_closed_loop_goes_as_fast_as_it_is_answered, a_name_of_another_mesh_is_as_good,
                      what_fails_is_counted_by_its_outcome, people_get_a_table, it_ends_with_whoever_asked,
                      wrong_usage_is_explained):
            print(f"        {check.__name__}", flush=True)
            check(meshes)


def up_produces(home):
    """The gateway of mesh1 writes to the brokers of mesh2; what is lost would be shown."""
    code, out, err = cli.run(home, *UP, "--produce", "50", "--for", "15s", seconds=60)
    load = json.loads(out)["load"]
    assert code == 0, (code, err)
    assert load["from"].startswith("mesh1.gateway.") and load["name"] == "mesh2.broker" and load["rate"] == 50, load
    assert load["acknowledged"] > 0 and load["lost"] == 0 and load["trouble"] is None, load
    assert 0 < load["p50_us"] <= load["p99_us"], load
    for words, text in ((("--produce", "0"), "--produce"),
                        (("--produce", "5", "--per-mesh", "compute=2"), "needs a gateway and a broker")):
        code, out, err = cli.run(home, "up", *words)
        assert (code, out) == (2, "") and text in err, (code, out, err)


if __name__ == "__main__":
    sys.exit(cli.main([loads, up_produces]))
