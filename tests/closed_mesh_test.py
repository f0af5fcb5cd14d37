#!/usr/bin/env python3
"""Closed meshes of real processes: who gets in, what an outsider is told, and what changes while they run."""

import contextlib
import json
import os
import signal
import sys

import cli_support as cli


class Closed:
    """An authority, and nodes with and without its tickets."""

    def __init__(self, home):
        self.home = home
        code, out, err = cli.run(home, "mesh", "create", "m1", "--out", home)
        assert code == 0, err
        self.id, self.file = out.strip(), home / "m1.authority"

    def key(self, name):
        folder = self.home / name
        folder.mkdir(mode=0o700, exist_ok=True)
        if not (folder / "key").exists():
            assert cli.run(self.home, "key", "new", folder / "key")[0] == 0
        return cli.run(self.home, "key", "show", folder)[1].strip()

    def ticket(self, name, *words):
        words = words or ("--for", "1d")
        path = self.home / f"{name}.ticket"
        code, _, err = cli.run(self.home, "mesh", "admit", "--authority", self.file, "--id", self.key(name), *words, "--out", path)
        assert code == 0, err
        return path

    def words(self, name, seeds=(), closed=True, ticket=None):
        found = ["--mesh", "m1", "--type", "broker", "--bind", "127.0.0.1:0", "--data-dir", self.home / name]
        if closed:
            found += ["--authority", self.id, "--ticket", ticket or self.ticket(name)]
        for seed in seeds:
            found += ["--seed", seed]
        return found

    def start(self, name, seeds=(), **more):
        return cli.Program(self.home, "node", *self.words(name, seeds, **more))

    def known(self, name):
        code, out, _ = cli.run(self.home, "ls", "--json", "--data-dir", self.home / name)
        return {row["id"] for row in json.loads(out)["nodes"]} if code == 0 else None


def a_closed_mesh_boots_and_converges(home):
    code, out, err = cli.run(home, "up", "--closed", "--meshes", "2", "--per-mesh", "broker=2,gateway=1", "--for", "12s",
                             "--produce", "5", "--json", "--data-dir", home / "up", "--no-collector", seconds=90)
    found = json.loads(out.splitlines()[-1])
    assert code == 0 and found["converged"] is True and len(found["nodes"]) == 6, (code, err)
    assert found["load"]["acknowledged"] > 0, "gateways may visit the other mesh"
    for mesh in ("mesh1", "mesh2"):
        file = home / "up" / f"{mesh}.authority"
        assert file.stat().st_mode & 0o777 == 0o600
        assert cli.run(home, "mesh", "show", home / "up" / mesh / "broker-1" / "admission", "--authority", file)[0] == 0


def an_outsider_learns_nothing(home):
    mesh = Closed(home)
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(mesh.start("a"))
        seed = first.event("ready")
        second = stack.enter_context(mesh.start("b", [seed["ticket"]])).event("ready")
        members = {seed["id"], second["id"]}
        cli.wait_until(lambda: mesh.known("a") == members and mesh.known("b") == members, 20, "the members know each other")
        outsider = stack.enter_context(mesh.start("c", [seed["ticket"]], closed=False))
        alone = outsider.event("ready")["id"]
        cli.wait_until(lambda: "denied: " in first.errors(), 20, "the refusal is in the member's log")
        assert alone[:10] + " speaks on the mesh's topic and is not admitted" in first.errors(), first.errors()
        assert mesh.known("c") == {alone} and mesh.known("a") == members
        code, out, err = cli.run(home, "ping", seed["id"], "--data-dir", home / "c")
        assert code != 0 and "m1." not in out, (code, out, err)


def what_is_configured_badly_is_named(home):
    mesh = Closed(home)
    other = mesh.ticket("other")
    visitor = home / "visitor"
    assert cli.run(home, "mesh", "admit", "--authority", mesh.file, "--id", mesh.key("a"), "--for", "1d", "--use", "visitor",
                   "--out", visitor)[0] == 0
    cut = home / "cut"
    cut.write_text(mesh.ticket("a").read_text()[:90])
    base = ["node", "--mesh", "m1", "--type", "broker", "--bind", "127.0.0.1:0", "--data-dir", home / "a"]
    for words, env, begins in [
            (["--authority", "abc"], {}, "--authority: "),
            ([], {"MESH_AUTHORITY": "abc"}, "--authority: "),
            (["--authority", mesh.id], {}, "own ticket: mesh 'm1' is closed by authority"),
            (["--authority", mesh.id, "--ticket", home / "absent"], {}, "--ticket: ticket file"),
            (["--authority", mesh.id], {"MESH_TICKET": str(cut)}, f"--ticket: ticket file '{cut}'"),
            (["--authority", mesh.id, "--ticket", other], {}, "own ticket: ticket "),
            (["--authority", mesh.id, "--ticket", visitor], {}, "own ticket: ticket "),
            (["--authority", "cd" * 32, "--ticket", mesh.ticket("a")], {}, ""),
            (["--ticket", mesh.ticket("a")], {}, "--ticket, --revocations: mesh 'm1' is open"),
            (["--authority", mesh.id, "--ticket", mesh.ticket("a"), "--revocations", cut], {}, "--revocations: revocations file"),
            (["--authority", mesh.id, "--ticket", mesh.ticket("a"), "--ticket", mesh.ticket("a")], {}, "--ticket: two tickets"),
    ]:
        code, out, err = cli.run(home, *base, *words, env=env)
        assert code in (2, 4) and out == "" and err.count("\n") == 1, (words, code, out, err)
        assert err.startswith("grapevine: " + begins), (words, err)
    brief = mesh.ticket("a", "--for", "2m")
    code, out, err = cli.run(home, *base, "--authority", mesh.id, "--ticket", brief, "--clock-offset", "3600000")
    assert code == 2 and "expired" in err and "by this node's clock" in err, (code, err)


def a_revoked_node_is_put_out_and_stays_out(home):
    mesh = Closed(home)
    with contextlib.ExitStack() as stack:
        seed = stack.enter_context(mesh.start("a")).event("ready")
        other = stack.enter_context(mesh.start("b", [seed["ticket"]])).event("ready")
        bad = stack.enter_context(mesh.start("c", [seed["ticket"]])).event("ready")
        everybody = {seed["id"], other["id"], bad["id"]}
        cli.wait_until(lambda: all(mesh.known(n) == everybody for n in "abc"), 20, "all know each other")
        code, out, err = cli.run(home, "mesh", "revoke", "--authority", mesh.file, "--list", home / "list", "--to", other["id"],
                                 home / "c.ticket")
        assert code == 0 and out.startswith("version 1, 1 of 256"), (code, out, err)
        rest = everybody - {bad["id"]}
        cli.wait_until(lambda: mesh.known("a") == rest and mesh.known("b") == rest, 10, "it is out everywhere")
        # Kept over a restart, and not undone by an older list.
        assert (home / "a" / "revocations").read_text() == (home / "list").read_text()
        assert cli.run(home, "mesh", "show", home / "c.ticket", "--list", home / "a" / "revocations")[0] == 3


def a_ticket_is_renewed_without_a_restart(home):
    mesh = Closed(home)
    with mesh.start("a") as node:
        ready = node.event("ready")
        code, out, err = cli.run(home, "mesh", "admit", "--authority", mesh.file, "--to", ready["id"], "--for", "52w", "--json")
        assert code == 0, err
        kept = home / "a" / "ticket"
        cli.wait_until(kept.exists, 5, "the new ticket is kept")
        assert kept.read_text().strip() == json.loads(out)["ticket"]
        code, _, err = cli.run(home, "mesh", "admit", "--authority", mesh.file, "--to", ready["id"], "--for", "52w", "--types",
                               "gateway")
        assert code == 2 and "is not for type 'broker'" in err, (code, err)
        assert node.end(signal.SIGTERM) == 0
    # The kept one counts, since it expires later.
    expired = mesh.ticket("a", "--for", "1m")
    with cli.Program(home, "node", *mesh.words("a", ticket=expired), "--clock-offset", "3600000") as node:
        assert node.event("ready")["id"] == ready["id"]
        assert node.end(signal.SIGTERM) == 0


def an_open_mesh_is_closed_node_by_node(home):
    mesh = Closed(home)
    with contextlib.ExitStack() as stack:
        seed = stack.enter_context(mesh.start("a", closed=False)).event("ready")
        other = stack.enter_context(mesh.start("b", [seed["ticket"]], closed=False)).event("ready")
        left = stack.enter_context(mesh.start("c", [seed["ticket"]], closed=False)).event("ready")
        everybody = {seed["id"], other["id"], left["id"]}
        cli.wait_until(lambda: all(mesh.known(n) == everybody for n in "abc"), 20, "all know each other")
        code, _, err = cli.run(home, "mesh", "admit", "--authority", mesh.file, "--to", seed["id"], "--for", "1d")
        assert code == 2 and "mesh is open" in err, (code, err)
        for node in (seed, other):
            code, _, err = cli.run(home, "mesh", "admit", "--authority", mesh.file, "--to", node["id"], "--for", "1d", "--close")
            assert code == 0, err
        members = {seed["id"], other["id"]}
        cli.wait_until(lambda: mesh.known("a") == members and mesh.known("b") == members, 60, "the two are among themselves")


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(cli.main([a_closed_mesh_boots_and_converges, an_outsider_learns_nothing, what_is_configured_badly_is_named,
                       a_revoked_node_is_put_out_and_stays_out, a_ticket_is_renewed_without_a_restart,
                       an_open_mesh_is_closed_node_by_node]))
