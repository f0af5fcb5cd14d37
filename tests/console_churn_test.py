#!/usr/bin/env python3
"""The console while things change: every link as its two ends say it under churn, two consoles that agree, and a store
whose disk is full."""

import collections
import json
import subprocess
import sys
import threading
import time

import cli_support as cli
from console_support import Console, converged, drawn, has_supervisor, is_member, members, said

NINE = ("up", "--meshes", "1", "--per-mesh", "broker=5,gateway=2,compute=2", "--json")
# A node tells when a link comes or goes, and is drawn once a directory (asked each second) has it; whether a link is eager
# it is asked every 5 s.
LATE_S = {"said_by": 4, "eager": 7}
CHURN_S = 40


class Churn(threading.Thread):
    """Kills one node and brings another back, all the time."""

    def __init__(self, console, ids):
        super().__init__(daemon=True)
        self.console, self.ids, self.enough, self.done = console, collections.deque(ids), threading.Event(), 0
        self.start()

    def run(self):
        gone = None
        while not self.enough.is_set():
            self.console.post(f"/api/nodes/{self.ids[0]}/kill", {})
            if gone is not None:
                self.console.post(f"/api/nodes/{gone}/restart", {})
            gone = self.ids[0]
            self.ids.rotate(-1)
            self.done += 1
            self.enough.wait(3)
        self.console.post(f"/api/nodes/{gone}/restart", {})

    def end(self):
        self.enough.set()
        self.join()


class Words:
    """What was said of each link lately, with since when it is said."""

    def __init__(self):
        self.since = {}

    def hear(self, now, words):
        for key in set(self.since) | set(words):
            if key not in self.since or self.since[key][1] != words.get(key):
                self.since[key] = (now, words.get(key))

    def of(self, key):
        return self.since.get(key, (0, None))


def parts(links):
    """Both words of each link, apart."""
    return {(part, pair): word for pair, words in links.items() for part, word in zip(LATE_S, words)}


def links_are_as_both_ends_say_under_churn(home):
    with cli.Program(home, *NINE) as up:
        state, console = converged(up)
        has_supervisor(console)
        cli.wait_until(lambda: drawn(console) == said(state), 20, "each link as both ends say it")
        churn = Churn(console, [node["id"] for node in state["nodes"][2:]])
        try:
            compared = compare(console, state)
        finally:
            churn.end()
        print(f"        {churn.done} kills; compared: {dict(compared)}")
        assert churn.done >= 5 and min(compared[part] for part in LATE_S) > 100, (churn.done, compared)
        cli.wait_until(lambda: members(console) == {node["id"] for node in state["nodes"]}, 60, "all are back")
        cli.wait_until(lambda: drawn(console) == said(state), 30, "each link as both ends say it")
        assert up.end() == 0


def compare(console, state):
    """How often a word was the same on both sides; a failure if two different ones stood beside each other for long."""
    ends, drawing, compared, end = Words(), Words(), collections.Counter(), time.monotonic() + CHURN_S
    while time.monotonic() < end:
        ends.hear(time.monotonic(), parts(said(state)))
        drawing.hear(time.monotonic(), parts(drawn(console)))
        for key in set(ends.since) | set(drawing.since):
            (said_since, word), (drawn_since, shown) = ends.of(key), drawing.of(key)
            stood = time.monotonic() - max(said_since, drawn_since)
            assert word == shown or stood < LATE_S[key[0]] * cli.SLOW, (key, word, shown, stood)
            compared[key[0]] += word == shown and word is not None
    return compared


def view(console):
    world = console.get("/api/world")
    return ({node["id"]: (node["name"], node["mesh"], node["type"], node["state"], node["process"]) for node in world["nodes"]},
            {(link["a"], link["b"]): (link["said_by"], link["eager"]) for link in world["links"] if link["kind"] == "overlay"},
            {mesh["name"]: (mesh["members"], mesh["suspected"], mesh["state"]) for mesh in world["meshes"]})


def two_consoles_agree(home):
    with cli.Program(home, "up", "--json") as up:
        state, console = converged(up)
        words = ("console", "--listen", "127.0.0.1:0", "--store", home / "second", "--json")
        with cli.Program(home, *words) as program:
            other = Console(program.event("ready")["link"])
            cli.wait_until(lambda: len(members(other)) == 18, 10, "its nodes")
            cli.wait_until(lambda: view(console) == view(other), 30, "one view")
            has_supervisor(other)
            victim = state["nodes"][-1]["id"]
            other.post(f"/api/nodes/{victim}/kill", {})
            for one in (console, other):
                cli.wait_until(lambda one=one: one.nodes()[victim]["state"] == "dead", 60, "both say that it died")
            spawned = console.post("/api/spawn", {"mesh": "mesh1", "type": "broker"}, 201)["nodes"][0]
            for one in (console, other):
                cli.wait_until(lambda one=one: is_member(one, spawned["id"]), 5, "both show the new node")
            cli.wait_until(lambda: view(console) == view(other), 30, "one view again")
            assert program.end() == 0
        assert up.end() == 0


def source(console, name):
    return next(s for s in console.get("/api/world")["sources"] if s["name"] == name)


def goes_on_with_a_full_disk(home):
    disk = home / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m,mode=700", "none", disk], check=False, capture_output=True).returncode:
        print("        (needs the right to mount: left out)")
        return
    try:
        with cli.Program(home, *NINE, "--no-console") as up:
            assert json.loads(up.line(90))["converged"]
            with cli.Program(home, "console", "--listen", "127.0.0.1:0", "--store", disk / "store", "--json") as program:
                console = Console(program.event("ready")["link"])
                has_supervisor(console)
                cli.wait_until(lambda: len(members(console)) == 9, 10, "its nodes")
                filler = disk / "filler"
                fill(filler)
                spawned = console.post("/api/spawn", {"mesh": "mesh1", "type": "broker"}, 201)["nodes"][0]
                cli.wait_until(lambda: is_member(console, spawned["id"]), 5, "the live view goes on")
                cli.wait_until(lambda: is_told_of_a_full_disk(console), 30, "it says so")
                assert "full" in source(console, "store")["text"], source(console, "store")
                assert any(alert["subject"] == "store" for alert in console.get("/api/world")["alerts"])
                assert console.ask("/readyz")[0] == 503 and console.ask("/healthz")[0] == 200
                filler.unlink()
                cli.wait_until(lambda: source(console, "store")["state"] == "up", 30, "there is room again")
                assert program.end() == 0
            assert up.end() == 0
    finally:
        subprocess.run(["umount", disk], check=True)


def is_told_of_a_full_disk(console):
    """Asks for something, which is an event: after enough of them the store needs room."""
    console.ask("/api/nodes/" + "0" * 64 + "/kill", "POST", "{}", Content_Type="application/json", Origin=console.url,
                Authorization=f"Bearer {console.token}")
    return source(console, "store")["state"] == "down"


def fill(path):
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass


if __name__ == "__main__":
    sys.exit(cli.main([links_are_as_both_ends_say_under_churn, two_consoles_agree, goes_on_with_a_full_disk]))
