#!/usr/bin/env python3
"""Kill and respawn for some minutes in two meshes of nine. What must stay flat in the two nodes that nobody kills:
resident memory, descriptors, threads, and the live objects of every kind in the ledger. Flat: the median of the last
quarter of the run is no higher than that of the second quarter, but for an allowance of noise.

With --collector the nodes export everything from DEBUG on to a receiver that is up, down, slow (a byte a second) or
failing (500) all the time."""

import os
import random
import sys
import time

import figures
import meshes
import processes
import receiver

MEMORY_ALLOWANCE_KIB = 128
COUNT_ALLOWANCE = 2
# What follows the kills of the last 90 s. Chance decides which mesh has more of them in a quarter of the run: both count
# together.
OF_BOTH_MESHES = ('ledger_gossip_message',)
SAMPLE_EVERY_S = 5.0


class Track:
    """Samples of one survivor over time."""

    def __init__(self, node):
        self.node = node
        self.samples = {}   # name -> [(seconds, value)]

    def sample(self, seconds):
        cost = processes.cost_of(self.node.process.pid)
        values = {'rss_kib': cost.rss_kib, 'private_kib': cost.private_kib, 'descriptors': cost.descriptors,
                  'threads': cost.threads}
        ledger = meshes.ask(self.node.data_dir, 'status')['ledger']
        for kind, tally in ledger.items():
            values[f'ledger_{kind}'] = tally['alive']
            if tally['born'] - tally['ended'] != tally['alive']:
                raise AssertionError(f'{kind}: born minus ended is not alive')
        for name, value in values.items():
            self.samples.setdefault(name, []).append((seconds, value))
        return cost

    def growth(self, name):
        """(median of the second quarter, median of the last, slope per hour over the second half)."""
        samples = self.samples[name]
        quarter = max(1, len(samples) // 4)
        second = figures.percentile([v for _, v in samples[quarter:2 * quarter]] or [samples[0][1]], 0.5)
        last = figures.percentile([v for _, v in samples[-quarter:]], 0.5)
        return second, last, figures.slope_per_hour(samples[len(samples) // 2:])


def churn(lab, survivors, rng, options, report):
    """Kills and respawns until the time is over. Gives the number of kills and the tracks."""
    tracks = [Track(node) for node in survivors]
    began = time.monotonic()
    next_sample, kills, down = began, 0, []
    while time.monotonic() - began < options.minutes * 60:
        lab.rest(options.every * rng.uniform(0.5, 1.5))
        if down:
            lab.restart(down.pop(0))
        victim = rng.choice([node for node in lab.nodes if node not in survivors and node.alive])
        lab.kill(victim)
        down.append(victim)
        kills += 1
        if time.monotonic() >= next_sample:
            next_sample += SAMPLE_EVERY_S
            costs = [track.sample(time.monotonic() - began) for track in tracks]
            if kills % 20 == 0:
                report.say(f'{time.monotonic() - began:.0f} s, {kills} kills: '
                           f'rss {[cost.rss_kib for cost in costs]} KiB, fds {[cost.descriptors for cost in costs]}')
    for victim in down:
        lab.restart(victim)
    return kills, tracks


def judge(report, label, second, last, allowance):
    report.add(label, f'{second:g} -> {last:g}')
    report.judge(label, last <= second + allowance, f'grows by at most {allowance:g}')


def report_track(report, track):
    label = track.node.mesh
    for name in track.samples:
        second, last, slope = track.growth(name)
        memory = name.endswith('_kib')
        allowance = max(MEMORY_ALLOWANCE_KIB, 0.02 * second) if memory else max(COUNT_ALLOWANCE, 0.1 * second)
        if memory:
            report.add(f'{label}_{name}_slope_per_hour', float(slope), 'KiB/h')
        if name in OF_BOTH_MESHES:
            report.add(f'{label}_{name}', f'{second:g} -> {last:g}')
        else:
            judge(report, f'{label}_{name}', second, last, allowance)


def report_both(report, tracks):
    for name in OF_BOTH_MESHES:
        growths = [track.growth(name) for track in tracks if name in track.samples]
        second, last = (sum(growth[i] for growth in growths) for i in (0, 1))
        judge(report, f'both_{name}', second, last, max(COUNT_ALLOWANCE, 0.1 * second))


def main():
    parser = figures.parser(__doc__)
    parser.add_argument('--minutes', type=float, default=30, help='how long (default 30)')
    parser.add_argument('--every', type=float, default=2.0, help='mean seconds between kills (default 2)')
    parser.add_argument('--seed', type=int, default=1, help='of the choice of victims (default 1)')
    parser.add_argument('--collector', choices=receiver.MODES, help='export to such a receiver, at DEBUG')
    parser.add_argument('--per-mesh', type=int, default=9, help='nodes of each of the two meshes (default 9)')
    options = parser.parse_args()
    report = figures.Figures('churn', options)
    if options.collector:
        sink = receiver.Receiver(options.collector)
        os.environ.update(receiver.environment(sink), MESH_LOG='debug')
    lab = meshes.Lab(options.bin_dir, types=meshes.TYPES[:options.per_mesh])
    lab.boot()
    if not lab.wait(lab.converged, 30):
        report.fail('the meshes did not converge')
    survivors = [lab.mesh('mesh1')[0], lab.mesh('mesh2')[0]]
    kills, tracks = churn(lab, survivors, random.Random(options.seed), options, report)
    if not lab.wait(lab.converged, 30) or not lab.truly_converged():
        report.fail('the meshes did not come together again within 30 s of the last restart')
    report.add('minutes', options.minutes)
    report.add('kills', kills)
    if options.collector:
        report.add('collector', options.collector)
        report.add('export_requests', sink.requests)
        report.add('export_bytes', sink.bytes, 'B')
    for track in tracks:
        report_track(report, track)
    report_both(report, tracks)
    lab.close()
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
