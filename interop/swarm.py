"""A gossip swarm of real processes, grapevine and Rust, and the ledger of who has to receive what."""

import random
import signal
import subprocess
import time

from harness import Failure

READY_SECONDS = 20
LEAVE_SECONDS = 10
LARGE_BYTES = 4000  # near iroh-gossip's limit of 4057 bytes
LARGE_EVERY = 10


class Node:
    """One process in the topic."""

    def __init__(self, swarm, name, kind):
        self.swarm, self.name, self.kind = swarm, name, kind
        self.id = self.ticket = self.child = None
        self.neighbours = set()
        self.ever_joined = False
        self.started = time.monotonic()
        self.sent = 0

    def launch(self, command):
        self.child = self.swarm.hub.start(self.name, command, on_event=self.on_event, stdin=subprocess.PIPE)

    def on_event(self, kind, event):
        if kind == "ready":
            self.id, self.ticket = event["id"], event["ticket"]
        elif kind == "neighbor_up":
            self.neighbours.add(event["peer"])
            self.ever_joined = True
        elif kind == "neighbor_down":
            self.neighbours.discard(event["peer"])
        elif kind == "received":
            self.swarm.ledger.received(self, event["content"], event["from"])
        elif kind == "lagged":
            raise Failure(f"{self.name} reports that it lost events: the driver or the machine is too slow")

    def broadcast(self):
        content = f"{self.name}/{self.sent} grüße"
        if self.sent % LARGE_EVERY == LARGE_EVERY - 1:
            content += "." * (LARGE_BYTES - len(content.encode()))
        self.sent += 1
        self.swarm.ledger.sent(self, content)
        self.child.send_line(content)


class Ledger:
    """Messages sent, and by whom each has been received; time is the driver's own."""

    def __init__(self):
        self.messages = {}  # content -> (sender, time sent, names of those who have it)
        self.latencies = []
        self.hops = {}  # previous hop -> name of a node that named it
        self.wrong = []  # duplicates, messages nobody sent, messages to their own sender

    def sent(self, node, content):
        self.messages[content] = (node, time.monotonic(), set())

    def received(self, node, content, hop):
        entry = self.messages.get(content)
        if entry is None:
            self.wrong.append(f"{node.name} received what nobody sent: {content[:60]!r}")
            return
        sender, at, holders = entry
        if sender is node or node.name in holders:
            self.wrong.append(f"{node.name} received {content[:30]!r} {'of its own' if sender is node else 'twice'}")
            return
        self.hops.setdefault(hop, node.name)
        holders.add(node.name)
        if node.started < at:  # A newcomer may be told what was said shortly before it came.
            self.latencies.append(time.monotonic() - at)

    def faults(self, ids):
        """What was wrong. Hops are judged at the end: a newcomer's message may be read before its own ready line."""
        return self.wrong + [f"{name} names a previous hop that is no node: {hop}"
                             for hop, name in self.hops.items() if hop not in ids]

    def missed(self, senders, receivers):
        """(receiver, content) for each message of `senders` that one of `receivers` lacks."""
        return [(r.name, content[:30]) for content, (sender, _, holders) in self.messages.items() if sender in senders
                for r in receivers if r is not sender and r.name not in holders]

    def percentile(self, p):
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(p * len(ordered)))] * 1000 if ordered else 0.0


class Swarm:
    def __init__(self, hub, programs, seed):
        self.hub, self.programs = hub, programs  # programs: kind -> command words
        self.random = random.Random(seed)
        self.topic = self.random.randbytes(32).hex()
        self.nodes, self.ledger = [], Ledger()
        self.known_ids = set()

    def ids(self):
        if len(self.known_ids) != len(self.nodes):
            self.known_ids = {n.id for n in self.nodes if n.id}
        return self.known_ids

    def start(self, kind, contact=None):
        node = Node(self, f"{kind}-{len(self.nodes)}", kind)
        self.nodes.append(node)
        join = ["--join", contact.ticket] if contact else []
        node.launch([*self.programs[kind], "--topic", self.topic, "--bind", "127.0.0.1:0", *join])
        return node

    def require_ready(self, nodes):
        self.hub.require(lambda: all(n.id for n in nodes), READY_SECONDS,
                         lambda: "not ready: " + ", ".join(n.name for n in nodes if not n.id))

    def require_settled(self, seconds):
        """Waits until links on which both ends agree connect everybody, and returns how long that took.

        A link that only one end holds does not count, nor does it harm: real iroh-gossip nodes that join at the same
        instant can be left with one for good.
        """
        start = time.monotonic()
        self.hub.require(lambda: self.reached() == len(self.nodes), seconds, self.describe_views)
        return time.monotonic() - start

    def mutual(self, node, by_id):
        return [by_id[p] for p in node.neighbours if p in by_id and node.id in by_id[p].neighbours]

    def reached(self):
        """How many nodes the first one reaches over mutual links."""
        by_id = {n.id: n for n in self.nodes}
        seen, todo = set(), [self.nodes[0]]
        while todo:
            node = todo.pop()
            if node.name not in seen:
                seen.add(node.name)
                todo.extend(self.mutual(node, by_id))
        return len(seen)

    def one_sided(self):
        by_id = {n.id: n for n in self.nodes}
        return sum(len(n.neighbours) - len(self.mutual(n, by_id)) for n in self.nodes)

    def describe_views(self):
        views = ", ".join(f"{n.name}:{len(n.neighbours)}" for n in self.nodes)
        return (f"the swarm stays apart: {self.reached()} of {len(self.nodes)} reached; neighbours {views}; "
                f"one-sided links {self.one_sided()}")

    def kill(self, node):
        node.child.signal(signal.SIGKILL)

    def leave(self, nodes):
        self.hub.stop_all([n.child for n in nodes], LEAVE_SECONDS)
