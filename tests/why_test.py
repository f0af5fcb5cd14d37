#!/usr/bin/env python3
"""`grapevine why` between real processes: of a member, of one that was killed, of names that nobody has."""

import json
import os
import signal
import sys

import cli_support as cli

UP = ("up", "--meshes", "1", "--per-mesh", "broker=2,gateway=1", "--json", "--no-collector")
UNTIL_DEAD = 30


def why(home, *words, code=0):
    got, out, err = cli.run(home, "why", *words)
    assert got == code, (words, got, out, err)
    return out


def answer(home, *words, code=0):
    return json.loads(why(home, "--json", *words, code=code))


def of_a_member(home, gateway, broker):
    told = answer(home, "--node", gateway["name"], broker["name"])
    assert told["by"] == gateway["name"] and told["id"] == broker["id"], told
    assert told["acquaintance"] == "member" and told["verdict"].startswith("a member; its last word is "), told
    assert told["known"]["via"] in ("gossip", "sync") and told["events"], told
    assert told["connections"] and told["connections"][0]["state"] == "up", told
    assert any(row.get("fate") == "answered" or "tried_ago_ms" not in row for row in told["addresses"]), told
    text = why(home, "--node", gateway["name"], broker["name"])
    for words in (f"as {gateway['name']} tells it", "known since", "last word", "connection", "became a member"):
        assert words in text, (words, text)
    assert answer(home, broker["name"])["by"] != broker["name"], "another one is asked"
    assert answer(home, "--node", gateway["name"], broker["id"][:12])["id"] == broker["id"]


def of_a_pair(home, gateway, broker):
    lines = why(home, "--json", gateway["name"], broker["name"]).splitlines()
    told = [json.loads(line) for line in lines]
    assert [(one["by"], one["name"]) for one in told] == [(gateway["name"], broker["name"]),
                                                          (broker["name"], gateway["name"])], told
    assert why(home, gateway["name"], broker["name"]).count(" tells it\n") == 2
    code, _, err = cli.run(home, "why", "--node", "x", "a", "b")
    assert code == 2 and "go with one name" in err, (code, err)


def of_nobody(home, gateway):
    told = answer(home, "--node", gateway["name"], "mesh1.broker.ffffff", code=4)
    assert (told["acquaintance"], told["verdict"]) == ("unknown", "never heard of"), told
    code, _, _ = cli.run(home, "send", "--node", gateway["name"], "--timeout", "1", "mesh8.broker", "lost")
    assert code != 0
    told = answer(home, "--node", gateway["name"], "mesh8.broker", code=4)
    assert told["events"][-1]["kind"] == "send_failed" and "mesh8.broker" in told["events"][-1]["text"], told
    several = answer(home, "--node", gateway["name"], "mesh1.broker")
    assert several["acquaintance"] == "several" and len(several["fits"]) == 2, several


def of_one_that_was_killed(home, gateway, broker):
    os.kill(broker["pid"], signal.SIGKILL)
    cli.wait_until(lambda: answer(home, "--node", gateway["name"], broker["name"])["acquaintance"] == "gone", UNTIL_DEAD,
                   "its death is known")
    told = answer(home, "--node", gateway["name"], broker["name"])
    assert "declared dead" in told["verdict"] and "accused by " in told["verdict"], told
    kinds = [event["kind"] for event in told["events"]]
    assert kinds.index("suspected") < kinds.index("died"), kinds
    assert told["events"][kinds.index("died")]["who"], told


def stories(home):
    with cli.Program(home, *UP) as up:
        nodes = json.loads(up.line(60))["nodes"]
        gateway = next(n for n in nodes if n["type"] == "gateway")
        brokers = [n for n in nodes if n["type"] == "broker"]
        of_a_member(home, gateway, brokers[0])
        of_a_pair(home, gateway, brokers[0])
        of_nobody(home, gateway)
        of_one_that_was_killed(home, gateway, brokers[1])
        up.end(signal.SIGTERM, 10)


if __name__ == "__main__":
    sys.exit(cli.main([stories]))
