"""Loads of running nodes (the control operation `produce`), and meshes whose brokers write down what they handle."""

import json
import select
import socket
import struct
import time

import meshes

ENDINGS = ('acknowledged', 'unknown_mesh', 'no_such_node', 'ambiguous', 'unreachable', 'refused', 'handler_failed',
           'too_large', 'peer_busy', 'deadline', 'in_doubt', 'cancelled')
HANDLED = ('no', 'maybe', 'yes')
OUTCOME = struct.Struct('>QQBB')     # Incarnation, sequence, ending, handled.
RECORD = struct.Struct('>32sQQ')     # Sender, incarnation, sequence.
PATIENCE_S = 75                      # A message's last possible deadline, and some.


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class LoadLab(meshes.Lab):
    """Brokers serve, and write 48 bytes for each message. Gateways keep their ports and know the other meshes'."""

    def __init__(self, bin_dir, count, serve=()):
        super().__init__(bin_dir, count)
        self.serve = serve
        self.serve_more = {}  # By data directory.
        self.ports = {node.data_dir: free_port() for node in self.nodes if node.type == 'gateway'}

    def of(self, mesh, kind):
        return [node for node in self.mesh(mesh) if node.type == kind]

    def record_of(self, node):
        return node.data_dir.with_suffix('.handled')

    def words_of(self, node, seeds):
        words = [str(self.bin_dir / node.type)]
        if node.type == 'broker':
            words = [str(self.bin_dir / 'grapevine'), 'serve', '--type', 'broker', '--count',
                     str(self.record_of(node)), *self.serve, *self.serve_more.get(node.data_dir, ())]
        words += ['--mesh', node.mesh, '--bind', f'127.0.0.1:{self.ports.get(node.data_dir, 0)}', '--data-dir',
                  str(node.data_dir), '--config', '/dev/null']
        for seed in seeds:
            words += ['--seed', seed]
        if node.type == 'gateway':
            for other in self.nodes:
                if other.type == 'gateway' and other.mesh != node.mesh and other.ready:
                    words += ['--fabric-seed', f'{other.id}@127.0.0.1:{self.ports[other.data_dir]}']
        return words

    def follow(self, node):
        """Nobody watches: what is measured is not what the watching costs."""

    def boot(self):
        """Mesh after mesh, so that the gateways of the later ones know the first's."""
        for mesh in sorted({node.mesh for node in self.nodes}):
            first, *others = self.mesh(mesh)
            self.start(first, [])
            self.wait_ready(first)
            for node in others:
                self.start(node, [first.ready['ticket']])
            for node in others:
                self.wait_ready(node)

    def probe(self, source, name, seconds, **options):
        """One load of so many seconds, to its end."""
        return Load(source, name, duration_ms=int(seconds * 1000), **options).wait(seconds + PATIENCE_S)

    def wait_reachable(self, source, name, limit=60):
        """Until a message from `source` to the name is acknowledged."""
        end = time.monotonic() + limit
        while True:
            load = Load(source, name, rate=1, duration_ms=1, deadline_ms=2000)
            if load.wait()['ended']['acknowledged'] == 1:
                return
            if time.monotonic() > end:
                raise TimeoutError(f'{name} cannot be reached from {source.data_dir.name}')
            self.rest(0.1)


class Load:
    """One load, from its start to its answer."""

    def __init__(self, source, name, **options):
        self.source = source
        self.control = meshes.control(source.data_dir)
        self.control.sendall(json.dumps({'op': 'produce', 'name': name, **options}).encode() + b'\n')
        self.control.setblocking(False)
        self.buffer = b''
        self.progress = []
        self.answer = None

    def read(self):
        """What has come; True once it has ended."""
        try:
            data = self.control.recv(1 << 16)
        except BlockingIOError:
            return self.answer is not None
        if not data:
            raise ConnectionError('the node closed its control socket')
        *lines, self.buffer = (self.buffer + data).split(b'\n')
        for line in map(json.loads, lines):
            if 'event' in line:
                self.progress.append(line)
            elif not line.get('ok'):
                raise RuntimeError(line['error']['message'])
            else:
                self.answer = line
                self.control.close()
        return self.answer is not None

    def wait(self, limit=PATIENCE_S):
        end = time.monotonic() + limit
        while self.answer is None:
            ready, _, _ = select.select([self.control], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError(f'a load of {self.source.data_dir.name} does not end')
            self.read()
        return self.answer
