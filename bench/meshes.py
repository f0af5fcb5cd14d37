"""Meshes of real node processes for the drivers: starts, kills and restarts them, and follows their directories.

A directory is followed through the node's control socket: one connection watches, and one question fills in what was
there before. Every event carries the time at which this process read it.
"""

import atexit
import ctypes
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

TYPES = ('broker', 'broker', 'broker', 'gateway', 'gateway', 'compute', 'compute', 'registry', 'registry')
GONE = ('died', 'left', 'stale')
READY_LIMIT_S = 10
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def die_with_parent():
    """In a child, before exec: no process outlives the driver, however that ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass
class Node:
    mesh: str
    type: str
    data_dir: Path
    process: subprocess.Popen = None
    ready: dict = field(default_factory=dict)
    started_at: float = 0.0   # Just before the process was made.
    ready_at: float = 0.0

    @property
    def id(self):
        return self.ready['id']

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None


class Follower:
    """One node's directory, kept up to date."""

    def __init__(self, node):
        self.node = node
        self.ids = set()
        self.buffer = b''
        self.watch = control(node.data_dir)
        self.watch.sendall(b'{"op":"watch"}\n')
        self.ids = {entry['id'] for entry in ask(node.data_dir, 'ls')['nodes']}
        self.watch.setblocking(False)

    def read(self):
        """Events that have come; None when the node closed the socket."""
        try:
            data = self.watch.recv(1 << 16)
        except BlockingIOError:
            return []
        except ConnectionError:
            return None
        if not data:
            return None
        *lines, self.buffer = (self.buffer + data).split(b'\n')
        events = [json.loads(line) for line in lines]
        for event in events:
            if event.get('event') == 'joined':
                self.ids.add(event['id'])
            elif event.get('event') in GONE:
                self.ids.discard(event['id'])
        return [event for event in events if 'event' in event]


def control(data_dir):
    """A connection to a node's control socket."""
    out = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    out.settimeout(10)
    out.connect(str(data_dir / 'control.sock'))
    return out


def ask(data_dir, operation):
    """One question to a node, one answer."""
    with control(data_dir) as line:
        line.sendall(json.dumps({'op': operation}).encode() + b'\n')
        answer = b''
        while not answer.endswith(b'\n'):
            data = line.recv(1 << 16)
            if not data:
                raise ConnectionError('the node closed its control socket')
            answer += data
    return json.loads(answer)


class Lab:
    """Several meshes, their processes and their followers. Everything is killed when this process ends."""

    def __init__(self, bin_dir, meshes=2, types=TYPES):
        self.bin_dir = Path(bin_dir)
        self.root = Path(tempfile.mkdtemp(prefix='grapevine-bench-'))
        self.nodes = [Node(f'mesh{m + 1}', kind, self.root / f'mesh{m + 1}' / f'{kind}-{n}')
                      for m in range(meshes) for n, kind in enumerate(types)]
        self.followers = {}
        self.selector = selectors.DefaultSelector()
        self.events = []   # (time, observer, event)
        self.kills = []    # (time, id)
        atexit.register(self.close)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    def mesh(self, name):
        return [node for node in self.nodes if node.mesh == name]

    def words_of(self, node, seeds):
        """The command line of a node."""
        words = [str(self.bin_dir / node.type), '--mesh', node.mesh, '--bind', '127.0.0.1:0', '--data-dir',
                 str(node.data_dir)]
        for seed in seeds:
            words += ['--seed', seed]
        return words

    def start(self, node, seeds):
        """Makes the process; wait_ready() gives its ready line."""
        node.data_dir.mkdir(parents=True, exist_ok=True)
        words = self.words_of(node, seeds)
        errors = open(node.data_dir / 'stderr.txt', 'ab')  # pylint: disable=consider-using-with
        node.started_at = time.monotonic()
        node.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL,
                                        preexec_fn=die_with_parent)  # pylint: disable=subprocess-popen-preexec-fn
        errors.close()

    def wait_ready(self, node):
        with selectors.DefaultSelector() as waiting:
            waiting.register(node.process.stdout, selectors.EVENT_READ)
            if not waiting.select(READY_LIMIT_S):
                raise TimeoutError(f'{node.data_dir}: not ready within {READY_LIMIT_S} s')
        line = node.process.stdout.readline()
        node.ready_at = time.monotonic()
        if not line:
            raise RuntimeError(f'{node.data_dir}: ended: {(node.data_dir / "stderr.txt").read_text()}')
        node.ready = json.loads(line)

    def boot(self):
        """First node of each mesh, then all others at once. Gives the time of the last start."""
        firsts = [node for i, node in enumerate(self.nodes) if i == 0 or self.nodes[i - 1].mesh != node.mesh]
        for node in firsts:
            self.start(node, [])
        for node in firsts:
            self.wait_ready(node)
        others = [node for node in self.nodes if node not in firsts]
        for node in others:
            self.start(node, [first.ready['ticket'] for first in firsts if first.mesh == node.mesh])
        last = time.monotonic()
        for node in others:
            self.wait_ready(node)
        for node in self.nodes:
            self.follow(node)
        return last

    def follow(self, node):
        self.unfollow(node)
        follower = Follower(node)
        self.followers[node.data_dir] = follower
        self.selector.register(follower.watch, selectors.EVENT_READ, follower)

    def unfollow(self, node):
        follower = self.followers.pop(node.data_dir, None)
        if follower:
            self.selector.unregister(follower.watch)
            follower.watch.close()

    def pump(self, timeout):
        """Reads what comes within `timeout` seconds, at least once."""
        for key, _ in self.selector.select(timeout):
            events = key.data.read()
            now = time.monotonic()
            if events is None:
                self.unfollow(key.data.node)
                continue
            self.events += [(now, key.data.node, event) for event in events]

    def wait(self, condition, limit):
        """True as soon as the condition holds, False after `limit` seconds."""
        end = time.monotonic() + limit
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self.pump(min(left, 0.1))
        return True

    def rest(self, seconds):
        self.wait(lambda: False, seconds)

    def ids_of(self, node):
        """What `node` knows, by its follower."""
        follower = self.followers.get(node.data_dir)
        return follower.ids if follower else set()

    def agrees(self, mesh):
        """Every running node of the mesh is followed and knows exactly the running ones."""
        running = [node for node in self.mesh(mesh) if node.alive]
        ids = {node.id for node in running}
        return all(self.ids_of(node) == ids for node in running)

    def converged(self):
        return all(self.agrees(mesh) for mesh in {node.mesh for node in self.nodes})

    def truly_converged(self):
        """The same by asking every node anew, so that a missed event cannot deceive."""
        for node in self.nodes:
            if node.alive:
                ids = {entry['id'] for entry in ask(node.data_dir, 'ls')['nodes']}
                if ids != {other.id for other in self.mesh(node.mesh) if other.alive}:
                    return False
        return True

    def kill(self, node):
        """kill -9. Gives the time at which it was sent."""
        self.unfollow(node)
        at = time.monotonic()
        self.kills.append((at, node.id))
        node.process.send_signal(signal.SIGKILL)
        node.process.wait()
        node.process.stdout.close()
        return at

    def restart(self, node):
        """The same data directory, so the same key. Seeded like the others: by the mesh's first node that runs."""
        seed = next(other for other in self.mesh(node.mesh) if other is not node and other.alive)
        self.start(node, [seed.ready['ticket']])
        self.wait_ready(node)
        self.follow(node)

    def close(self):
        """Kills what still runs and removes the data directories."""
        for node in self.nodes:
            if node.alive:
                node.process.kill()
                node.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)


def end_of(process, limit):
    """Ends a child politely, then not."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode

