#!/usr/bin/env python3
"""Tests the drivers with real iroh on both sides: healthy peers must pass, and each fault must be reported.

Run it by hand after a change in this folder: about two minutes, and the peers of README.md are needed.
"""

import os
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
import endpoint  # noqa: E402
import gossip  # noqa: E402
import netns  # noqa: E402
import peers  # noqa: E402
import tickets  # noqa: E402
from harness import Failure, Hub  # noqa: E402
from swarm import Swarm  # noqa: E402

HERE = Path(__file__).resolve().parent
STAND_IN = str(HERE / "stand_in")
SEED = 1
RUST = IROH = None  # set once in setUpModule


def setUpModule():
    global RUST, IROH
    RUST, IROH = str(peers.gossip_peer()), peers.iroh_peer()
    problem = netns.enter()
    if problem:
        raise unittest.SkipTest(f"no network namespace: {problem}")


def with_fault(fault, **extra):
    return ["env", f"INTEROP_FAULT={fault}", *(f"{k}={v}" for k, v in extra.items()), STAND_IN]


def programs(fault=""):
    return {"grapevine": [*with_fault(fault), "gossip"], "rust": [RUST]}


class GossipTest(unittest.TestCase):
    def test_healthy_swarms_pass(self):
        for kind in ("rust", "grapevine"):
            line = gossip.join(programs(), kind, SEED, "short")
            self.assertIn("1000 messages of 10 nodes, 9000 deliveries", line)

    def expect(self, fault, text):
        gossip.DELIVERY_SECONDS = 3
        with self.assertRaisesRegex(Failure, text):
            gossip.join(programs(fault), "rust", SEED, "short")

    def test_a_swallowed_message_is_missed(self):
        self.expect("drop", r"deliveries missed \(grapevine-\d+ lacks")

    def test_a_message_delivered_twice_is_reported(self):
        self.expect("repeat", r"wrong deliveries \(grapevine-\d+ received .* twice")

    def test_a_node_that_dies_is_reported(self):
        self.expect("die", r"ended by itself|does not take its input")

    def test_a_node_killed_from_outside_leaves_messages_missed(self):
        with Hub() as hub:
            swarm = Swarm(hub, programs(), SEED)
            gossip.start_ten(swarm, "rust")
            swarm.require_settled(gossip.SETTLE_SECONDS)
            swarm.kill(swarm.nodes[-1])
            for node in swarm.nodes[:-1]:
                node.broadcast()
            alive = swarm.nodes[:-1]
            self.assertTrue(hub.wait(lambda: not swarm.ledger.missed(alive, alive), 10))
            self.assertEqual({who for who, _ in swarm.ledger.missed(alive, swarm.nodes)}, {swarm.nodes[-1].name})

    def test_churn_passes_and_sees_its_kills(self):
        gossip.CHURN_SECONDS["short"] = 17
        self.assertIn("17 s, 2 killed, 4 joined", gossip.churn(programs(), SEED, "short"))


class EndpointTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        endpoint.BIG_BYTES["short"], endpoint.HOLD_SECONDS["short"] = 1_000_000, 1

    def test_healthy_endpoints_pass(self):
        line = endpoint.run(IROH, IROH, SEED, "short", with_uni=True)
        self.assertIn("wrong key refused", line)

    def expect(self, listener, dialer, *texts):
        with self.assertRaises(Failure) as caught:
            endpoint.run(listener, dialer, SEED, "short", with_uni=False)
        for text in texts:
            self.assertIn(text, str(caught.exception))

    def test_changed_bytes_are_reported(self):
        self.expect(IROH, with_fault("corrupt"), "echo: 1024 of 1024 bytes came back, or not the same", "bulk: ")

    def test_lost_close_codes_are_reported(self):
        self.expect(IROH, with_fault("silent"), "1 of 8 steps failed", "no close with code 7")
        self.expect(with_fault("silent"), IROH, "1 of 8 steps failed", "no close with code 42")

    def test_a_dialer_that_accepts_any_key_is_reported(self):
        with Hub() as hub:
            way = endpoint.Direction(hub, IROH, IROH, SEED, "short")
            way.dialer = with_fault("credulous", INTEROP_TRUE_ID=tickets.endpoint_id(way.ticket))
            with self.assertRaisesRegex(Failure, "wrong key: the dialer accepted"):
                endpoint.step_wrong_key(way)


class TicketTest(unittest.TestCase):
    TICKET = "endpointadefhlipbtjlmgnovewo5rh5k2re2zez2wcm46jfpzc47wattnqkoaibab7qaaabzlpqe"

    def test_only_the_id_changes(self):
        wrong = tickets.with_wrong_id(self.TICKET)
        self.assertEqual(tickets.encode(tickets.decode(self.TICKET)), self.TICKET)
        self.assertEqual(tickets.endpoint_id(self.TICKET)[:16], "c853ad0f0cd2b619")
        self.assertEqual(tickets.decode(wrong)[1:33], tickets.STRANGER)
        self.assertEqual(tickets.decode(wrong)[33:], tickets.decode(self.TICKET)[33:])


class ProcessTest(unittest.TestCase):
    """However the driver ends, its children end too."""

    def ends_with_its_children(self, number):
        command = [sys.executable, str(HERE / "run"), "--grapevine", STAND_IN, "--short", "gossip-churn"]
        driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        children = self.wait_for(lambda: c if len(c := descendants(driver.pid)) >= 10 else None)
        os.kill(driver.pid, number)
        driver.wait()
        self.wait_for(lambda: not any(alive(pid) for pid in children))

    def wait_for(self, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            self.assertLess(time.monotonic(), deadline, "waited too long")
            os.sched_yield()
        return value

    def test_kill(self):
        self.ends_with_its_children(signal.SIGKILL)

    def test_terminate(self):
        self.ends_with_its_children(signal.SIGTERM)


def descendants(pid):
    """Ids of all processes below that one."""
    found = []
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except FileNotFoundError:
        return found
    for child in map(int, text.split()):
        found += [child, *descendants(child)]
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


if __name__ == "__main__":
    unittest.main(verbosity=2)
