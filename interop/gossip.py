"""The gossip scenarios: ten nodes in one topic, and ten under churn."""

import time

from harness import Failure, Hub
from swarm import Swarm

NODES_PER_KIND = 5
MESSAGES_PER_NODE = 100
WINDOW_ROUNDS = 10  # rounds of one message per node that may be in flight
SETTLE_SECONDS = 30
DELIVERY_SECONDS = 30

CHURN_SECONDS = {"full": 600, "short": 60}
CHURN_PERIOD = 5.0
CHURNERS = 2
MESSAGE_PERIOD = 0.5  # each lasting node's own


def verdict(swarm, missed, line):
    """The scenario's line, or a Failure that starts with what is wrong."""
    problems = []
    if missed:
        shown = ", ".join(f"{who} lacks {what!r}" for who, what in missed[:5])
        problems.append(f"{len(missed)} deliveries missed ({shown})")
    if faults := swarm.ledger.faults(swarm.ids()):
        problems.append(f"{len(faults)} wrong deliveries ({'; '.join(faults[:3])})")
    if problems:
        raise Failure("; ".join(problems) + "; " + line)
    return line


def other_kind(kind):
    return "rust" if kind == "grapevine" else "grapevine"


def start_ten(swarm, contact_kind):
    """The contact first; the nine others join through it, all at once."""
    contact = swarm.start(contact_kind)
    swarm.require_ready([contact])
    kinds = [contact_kind] * (NODES_PER_KIND - 1) + [other_kind(contact_kind)] * NODES_PER_KIND
    swarm.random.shuffle(kinds)
    for kind in kinds:
        swarm.start(kind, contact)
    swarm.require_ready(swarm.nodes)


def send_rounds(swarm, rounds):
    """Each node sends one message a round; at most WINDOW_ROUNDS rounds are under way."""
    ledger, receivers = swarm.ledger, len(swarm.nodes) - 1
    for done in range(rounds):
        for node in swarm.nodes:
            node.broadcast()
        if done % WINDOW_ROUNDS == WINDOW_ROUNDS - 1:
            expected = len(ledger.messages) * receivers
            if not swarm.hub.wait(lambda want=expected: len(ledger.latencies) >= want, DELIVERY_SECONDS):
                return


def join(programs, contact_kind, seed, _form):
    with Hub() as hub:
        swarm = Swarm(hub, programs, seed)
        start_ten(swarm, contact_kind)
        settled = swarm.require_settled(SETTLE_SECONDS)
        start = time.monotonic()
        send_rounds(swarm, MESSAGES_PER_NODE)
        took, ledger = time.monotonic() - start, swarm.ledger
        line = (f"{len(ledger.messages)} messages of {len(swarm.nodes)} nodes, {len(ledger.latencies)} deliveries in "
                f"{took:.2f} s, p50 {ledger.percentile(.5):.1f} ms, p99 {ledger.percentile(.99):.1f} ms; "
                f"connected {settled:.2f} s after the last was ready, one-sided links {swarm.one_sided()}; seed {seed}")
        result = verdict(swarm, ledger.missed(swarm.nodes, swarm.nodes), line)
        swarm.leave(swarm.nodes)
        return result


class Churn:
    """Ten nodes that last; beside them CHURNERS that come and go, one killed and one started every CHURN_PERIOD."""

    def __init__(self, swarm, seconds):
        self.swarm, self.seconds = swarm, seconds
        self.lasting, self.churners = list(swarm.nodes), []
        self.kills = 0
        self.not_joined = []

    def join_one(self):
        kind = ("grapevine", "rust")[len(self.swarm.nodes) % 2]
        # Contacts alternate between the kinds at half the pace, so that every pairing occurs.
        contact_kind = ("grapevine", "rust")[len(self.swarm.nodes) // 2 % 2]
        contact = self.swarm.random.choice([n for n in self.lasting if n.kind == contact_kind])
        self.churners.append(self.swarm.start(kind, contact))

    def kill_one(self):
        victim = self.churners.pop(0)
        if not victim.ever_joined:
            self.not_joined.append(victim.name)
        self.swarm.kill(victim)
        self.kills += 1

    def talk(self):
        for node in self.lasting + [c for c in self.churners if c.ever_joined]:
            node.broadcast()

    def run(self):
        start = time.monotonic()
        next_churn, next_talk = start, start
        while (now := time.monotonic()) < start + self.seconds:
            if now >= next_churn:
                next_churn += CHURN_PERIOD
                if len(self.churners) >= CHURNERS:
                    self.kill_one()
                self.join_one()
            if now >= next_talk:
                next_talk += MESSAGE_PERIOD
                self.talk()
            self.swarm.hub.pump(min(next_churn, next_talk) - time.monotonic())


def churn(programs, seed, form):
    with Hub() as hub:
        swarm = Swarm(hub, programs, seed)
        start_ten(swarm, "grapevine")
        swarm.require_settled(SETTLE_SECONDS)
        run = Churn(swarm, CHURN_SECONDS[form])
        run.run()
        ledger, lasting = swarm.ledger, run.lasting
        hub.wait(lambda: not ledger.missed(lasting, lasting), DELIVERY_SECONDS)
        count = sum(1 for sender, _, _ in ledger.messages.values() if sender in lasting)
        line = (f"{run.seconds} s, {run.kills} killed, {len(swarm.nodes) - len(lasting)} joined, {count} messages "
                f"among {len(lasting)} lasting nodes, p50 {ledger.percentile(.5):.1f} ms, "
                f"p99 {ledger.percentile(.99):.1f} ms; seed {seed}")
        result = verdict(swarm, ledger.missed(lasting, lasting), line)
        if run.not_joined:
            raise Failure(f"{len(run.not_joined)} newcomers never joined ({', '.join(run.not_joined[:5])}); {line}")
        swarm.leave(lasting)
        return result
