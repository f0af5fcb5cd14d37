#!/usr/bin/env python3
"""A warm request of 200 bytes and its reply on loopback, one at a time: grapevine's `request` between two nodes, beside
raw UDP, an iroh pair (a bidirectional stream each on one connection) and NATS (client, server, subscriber). By turns in
one run; the figures are medians over the rounds, and ratios are of the same round."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import figures
import loads
import meshes

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(figures.ROOT / 'interop'))
import peers as builder  # noqa: E402  pylint: disable=wrong-import-position

PEERS = builder.CACHE / 'bench-peers'


def built(name, tool, minimum, version, command, product):
    """Path of a peer's program, built on first use; nothing where it cannot be had."""
    source, work, log = HERE / 'peers' / name, PEERS / name, PEERS / f'{name}.log'
    digest = builder.digest_of([file for file in source.rglob('*') if file.is_file()])
    stamp = work / 'built'
    if not builder.stamped(stamp, digest, product):
        path = builder.tool(tool, minimum, version)
        builder.copy_changed(source, work)
        if not builder.logged(['nice', '-n', '10', path, *command], work, log, GOTOOLCHAIN='local',
                              GOFLAGS='-mod=readonly -buildvcs=false'):
            raise builder.Unavailable(f'{name} does not build: {builder.tail(log)}')
        stamp.write_text(digest)
    return product


def iroh_program():
    return built('iroh-request', 'cargo', builder.CARGO_MIN, '--version', ['build', '--release'],
                 builder.TARGET / 'release' / 'iroh-request')


def nats_program():
    return built('nats-request', 'go', builder.GO_MIN, 'version', ['build', '-o', 'nats-request', '.'],
                 PEERS / 'nats-request' / 'nats-request')


class Child:
    """A program that prints one line when it is ready, and ends with this process."""

    def __init__(self, *words):
        self.process = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL,
                                        preexec_fn=meshes.die_with_parent)  # pylint: disable=subprocess-popen-preexec-fn
        self.line = self.process.stdout.readline().decode().strip()
        if not self.line:
            raise RuntimeError(f'{words[0]} ended at once')

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def times_of(*words):
    """p50 and p99 in microseconds of the nanoseconds that a program prints."""
    done = subprocess.run([str(word) for word in words], capture_output=True, check=True, timeout=120)
    nanoseconds = json.loads(done.stdout)
    return [figures.percentile(nanoseconds, p) / 1000 for p in (0.5, 0.99)]


class Udp:
    def __init__(self, options):
        self.words = [options.bin_dir / 'bench_udp_echo', '--json', '--count', options.count, '--bytes', options.bytes]

    def measure(self):
        done = subprocess.run([str(word) for word in self.words], capture_output=True, check=True, timeout=120)
        answer = json.loads(done.stdout)
        return [answer['p50_us'], answer['p99_us']]

    def end(self):
        pass


class Grapevine:
    """Two nodes of one mesh, each a process; the load runs in one of them."""

    def __init__(self, options):
        self.options = options
        self.root = tempfile.TemporaryDirectory(prefix='grapevine-bench-')
        self.source = meshes.Node('mesh1', 'gateway', Path(self.root.name) / 'gateway')
        where = ['--bind', '127.0.0.1:0', '--mesh', 'mesh1', '--config', '/dev/null']
        self.server = Child(options.bin_dir / 'grapevine', 'serve', '--echo', '--type', 'broker', *where, '--data-dir',
                            Path(self.root.name) / 'broker')
        ticket = json.loads(self.server.line)['ticket']
        self.client = Child(options.bin_dir / 'gateway', *where, '--data-dir', self.source.data_dir, '--seed', ticket)
        self.name = json.loads(self.server.line)['id']
        self.load(self.options.count // 10)

    def load(self, count):
        """As many as fit into the time; one under way."""
        milliseconds = max(200, count // 10)
        load = loads.Load(self.source, self.name, kind='request', rate=0, duration_ms=milliseconds,
                          payload_bytes=self.options.bytes, unanswered_max=1, report_ms=0)
        answer = load.wait()
        if answer['ended']['acknowledged'] != answer['submitted'] or answer['submitted'] == 0:
            raise RuntimeError(f'not all were answered: {answer["ended"]}')
        return answer

    def measure(self):
        latency = self.load(self.options.count)['latency_us']
        return [latency['p50'], latency['p99']]

    def end(self):
        self.client.end()
        self.server.end()
        self.root.cleanup()


class Iroh:
    def __init__(self, options):
        self.options = options
        self.program = options.iroh or iroh_program()
        self.server = Child(self.program, 'serve')

    def measure(self):
        ready = json.loads(self.server.line)
        return times_of(self.program, 'ask', ready['id'], ready['addr'], self.options.count, self.options.bytes)

    def end(self):
        self.server.end()


class Nats:
    def __init__(self, options):
        self.options = options
        self.program = options.nats or nats_program()
        self.server = Child(self.program, 'serve')
        self.echo = Child(self.program, 'echo', self.server.line)

    def measure(self):
        return times_of(self.program, 'ask', self.server.line, self.options.count, self.options.bytes)

    def end(self):
        self.echo.end()
        self.server.end()


def main():
    parser = figures.parser(__doc__)
    parser.add_argument('--rounds', type=int, default=7, help='(default 7)')
    parser.add_argument('--count', type=int, default=20000, help='requests of a round, about (default 20000)')
    parser.add_argument('--bytes', type=int, default=200, help='of request and reply (default 200)')
    parser.add_argument('--iroh', type=Path, help='the built peers/iroh-request (default: build it)')
    parser.add_argument('--nats', type=Path, help='the built peers/nats-request (default: build it)')
    options = parser.parse_args()
    report = figures.Figures('request_latency', options)
    measured = {'grapevine': Grapevine(options), 'raw_udp': Udp(options)}
    for name, kind in (('iroh', Iroh), ('nats', Nats)):
        try:
            measured[name] = kind(options)
        except builder.Unavailable as missing:
            report.say(f'without {name}: {missing}')
    results = {name: [] for name in measured}
    for number in range(options.rounds):
        for name, peer in measured.items():
            results[name].append(peer.measure())
        report.say(f'round {number + 1}/{options.rounds}, load {os.getloadavg()[0]:.1f}: ' + ', '.join(
            f'{name} {times[-1][0]:.0f}/{times[-1][1]:.0f} us' for name, times in results.items()))
    for peer in measured.values():
        peer.end()
    for name, times in results.items():
        for index, label in enumerate(('p50', 'p99')):
            report.add(f'{name}_{label}_us', float(figures.percentile([t[index] for t in times], 0.5)), 'us')
    for name in measured:
        if name == 'grapevine':
            continue
        for index, label in enumerate(('p50', 'p99')):
            ratios = [own[index] / other[index] for own, other in zip(results['grapevine'], results[name])]
            report.add(f'{label}_ratio_to_{name}', float(figures.percentile(ratios, 0.5)))
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
