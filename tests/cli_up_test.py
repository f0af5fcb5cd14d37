#!/usr/bin/env python3
"""`grapevine up`: converges, reports, and leaves no process behind, however it ends."""

import json
import os
import signal
import sys

import cli_support as cli

SMALL = ("up", "--meshes", "1", "--per-mesh", "broker=2,gateway=1", "--json")
KEYS = {"name", "mesh", "type", "id", "pid", "state", "data_dir", "cpu_percent", "rss_kib", "pss_kib", "wakeups_per_s",
        "peers", "directory_size"}


def check_object(found, meshes, per_mesh):
    assert found["converged"] is True and 0 <= found["converged_ms"] < 30000 * cli.SLOW, found
    assert len(found["nodes"]) == meshes * per_mesh
    for node in found["nodes"]:
        assert set(node) == KEYS, node
        assert node["directory_size"] == per_mesh and node["peers"] >= 1 and node["rss_kib"] > 500, node
        assert node["name"].startswith(f"{node['mesh']}.{node['type']}.{node['id'][:6]}"), node


def for_a_time(home):
    code, out, err = cli.run(home, *SMALL, "--for", "5s", seconds=60)
    assert code == 0 and out.count("\n") == 1, (code, out, err)
    found = json.loads(out)
    check_object(found, 1, 3)
    for node in found["nodes"]:
        assert not cli.is_alive(node["pid"]), f"{node['name']} lives on"
        assert not os.path.exists(node["data_dir"]), "a fresh data directory was left behind"


def two_meshes_stay_apart(home):
    code, out, err = cli.run(home, "up", "--meshes", "2", "--per-mesh", "broker=1,compute=1,custom=1", "--for", "5s",
                             "--json", seconds=60)
    assert code == 0, (code, err)
    check_object(json.loads(out), 2, 3)


def ends(home, sig, expected):
    with cli.Program(home, *SMALL) as up:
        found = json.loads(up.line(60))
        check_object(found, 1, 3)
        pids = [node["pid"] for node in found["nodes"]]
        code = up.end(sig, 10)
        assert code == expected, (code, up.errors())
        cli.wait_until(lambda: not any(map(cli.is_alive, pids)), 3, f"all children of {pids} are gone")


def ends_on_interrupt(home):
    ends(home, signal.SIGINT, 0)


def ends_on_terminate(home):
    ends(home, signal.SIGTERM, 0)


def ends_on_kill(home):
    ends(home, signal.SIGKILL, -signal.SIGKILL)


def converges_anew_without_the_dead(home):
    with cli.Program(home, *SMALL) as up:
        found = json.loads(up.line(60))
        victim = found["nodes"][-1]
        os.kill(victim["pid"], signal.SIGKILL)
        anew = json.loads(up.line(60))
        assert anew["converged"] and {n["id"] for n in anew["nodes"]} == {n["id"] for n in found["nodes"][:-1]}, anew
        assert up.end() == 0
        assert f"{victim['name']}: ended, signal 9" in up.errors(), up.errors()


def respawns_with_the_same_identity(home):
    with cli.Program(home, *SMALL, "--respawn") as up:
        found = json.loads(up.line(60))
        victim = found["nodes"][-1]
        os.kill(victim["pid"], signal.SIGKILL)
        ids = {node["id"] for node in found["nodes"]}
        while True:  # Perhaps once without it first.
            anew = json.loads(up.line(60))
            if {node["id"] for node in anew["nodes"]} == ids:
                break
        assert all(node["pid"] != victim["pid"] for node in anew["nodes"])
        assert up.end() == 0


def a_kept_directory_keeps_identities(home):
    ids = []
    for _ in range(2):
        code, out, err = cli.run(home, *SMALL, "--for", "4s", "--data-dir", home / "kept", seconds=60)
        assert code == 0, (code, err)
        ids.append({node["id"] for node in json.loads(out)["nodes"]})
    assert ids[0] == ids[1]
    assert (home / "kept" / "mesh1" / "broker-1" / "node.log").exists()


def too_little_time(home):
    code, out, _ = cli.run(home, *SMALL, "--for", "1ms", seconds=60)
    assert code == 3 and json.loads(out)["converged"] is False, (code, out)


def plain_table_without_terminal(home):
    code, out, err = cli.run(home, "up", "--meshes", "1", "--per-mesh", "broker=2", "--for", "4s", seconds=60)
    assert code == 0 and "NAME" in out and "mesh1.broker." in out and "\x1b" not in out, (code, out, err)


if __name__ == "__main__":
    sys.exit(cli.main([for_a_time, two_meshes_stay_apart, ends_on_interrupt, ends_on_terminate, ends_on_kill,
                       converges_anew_without_the_dead, respawns_with_the_same_identity,
                       a_kept_directory_keeps_identities, too_little_time, plain_table_without_terminal]))
