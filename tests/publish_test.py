#!/usr/bin/env python3
"""A mesh of nine real processes: what one publishes by the command, every other one has and tells of."""

import contextlib
import json
import os
import signal
import sys

import cli_support as cli

NODES = 9
CONTENT = 60 * 1024


class Watcher(cli.Program):
    """A client of a node's control socket that hears of its events."""

    def __init__(self, home, node):
        super().__init__(home, "ls", "--json", "--watch", "--data-dir", node["data_dir"])
        self.node = node

    def __enter__(self):
        assert json.loads(self.line())["ok"]
        return self


def status(home, node):
    return json.loads(cli.run(home, "status", "--json", "--data-dir", node["data_dir"])[1])


def figures(home, node):
    return status(home, node)["figures"]


def watchers_of(home, node):
    return status(home, node)["control"]["watchers"]


def run(home, node, *words, **more):
    return cli.run(home, "publish", "--data-dir", node["data_dir"], *words, **more)


def all_have_what_one_publishes(home, nodes):
    author, others = nodes[4], [n for n in nodes if n is not nodes[4]]
    content = os.urandom(CONTENT)
    before = [watchers_of(home, n) for n in others]  # The supervisor may be one.
    with contextlib.ExitStack() as stack:
        watchers = [stack.enter_context(Watcher(home, n)) for n in others]
        cli.wait_until(lambda: all(watchers_of(home, n) == count + 1 for n, count in zip(others, before)), 10,
                       "all are watched")
        code, out, err = run(home, author, "--json", stdin=content)
        assert code == 0, (code, out, err)
        answer = json.loads(out)
        assert answer["bytes"] == CONTENT and len(answer["hash"]) == 64, answer
        for watcher in watchers:
            event = watcher.event("published", 30)
            assert (event["id"], event["number"], event["hash"], event["bytes"]) == (
                author["id"], answer["number"], answer["hash"], CONTENT), (event, answer)
    for node in others:
        seen = figures(home, node)
        assert seen["publications.fetched"] == 1 and seen["publications.announced"] == 1, node
        assert sum(seen[f"publications.missed.{cause}"] for cause in ("late", "lied", "busy")) == 0, node
    assert figures(home, author)["publications.published"] == 1


def the_command_says_what_it_did_and_what_is_wrong(home, nodes):
    code, out, err = run(home, nodes[0], "hello")
    assert code == 0 and err == "", (code, out, err)
    words = out.split()
    assert words[0] == "published" and words[2:5] == ["5", "bytes,", "BLAKE3"] and len(words[5]) == 64, out
    assert words[5] == "ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f", "of hello"
    assert run(home, nodes[0], "--quiet", "-", stdin=b"x")[:2] == (0, "")
    code, out, err = run(home, nodes[0], stdin=b"")
    assert code == 2 and out == "" and err == "grapevine: publication: empty\n", (code, err)
    code, out, err = run(home, nodes[0], stdin=bytes(CONTENT + 1))
    assert code == 2 and "content: more than the 61440 bytes that a request on the control socket holds" in err, err
    assert run(home, nodes[0], "a", "b")[0] == 2


def publish(home):
    with cli.Program(home, "up", "--meshes", "1", "--json", "--no-collector") as up:
        nodes = json.loads(up.line(60))["nodes"]
        assert len(nodes) == NODES, nodes
        for check in (all_have_what_one_publishes, the_command_says_what_it_did_and_what_is_wrong):
            print(f"        {check.__name__}", flush=True)
            check(home, nodes)
        up.end(signal.SIGTERM, 10)


if __name__ == "__main__":
    sys.exit(cli.main([publish]))
