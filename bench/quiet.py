#!/usr/bin/env python3
"""Two idle meshes of nine for some minutes: nobody may be reported dead, stale or gone. With --loss N the same in a
network namespace of its own, whose loopback loses N percent of all UDP datagrams (needs root, unshare, ip and nft)."""

import collections
import os
import re
import shutil
import subprocess
import sys

import figures
import meshes

INSIDE = 'GRAPEVINE_BENCH_IN_NAMESPACE'
REPORT_EVERY_S = 30


def enter_namespace(options):
    """Runs this program again inside a network namespace; never returns if that is possible."""
    missing = [tool for tool in ('unshare', 'ip', 'nft') if not shutil.which(tool)]
    if missing or os.geteuid() != 0:
        sys.exit(f'quiet.py: --loss needs root and {", ".join(missing) or "nothing else"}')
    os.execvpe('unshare', ['unshare', '-n', sys.executable, *sys.argv], {**os.environ, INSIDE: str(options.loss)})


def lose(percent):
    """In the namespace: loopback up, and a rule that counts and one that drops."""
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    rules = ['table inet bench {', 'chain arriving {', 'type filter hook input priority 0;', 'meta l4proto udp counter',
             f'meta l4proto udp numgen random mod 100 < {percent} counter drop', '}', '}', '']
    subprocess.run(['nft', '-f', '-'], input='\n'.join(rules).encode(), check=True)


def lost():
    """(datagrams that arrived at the rule, dropped)."""
    listing = subprocess.run(['nft', 'list', 'table', 'inet', 'bench'], check=True, capture_output=True, text=True)
    return tuple(int(count) for count in re.findall(r'packets (\d+)', listing.stdout))


def main():
    parser = figures.parser(__doc__)
    parser.add_argument('--minutes', type=float, default=10, help='how long (default 10)')
    parser.add_argument('--loss', type=int, default=0, help='percent of datagrams to lose (default 0)')
    options = parser.parse_args()
    if options.loss and os.environ.get(INSIDE) != str(options.loss):
        enter_namespace(options)
    if options.loss:
        lose(options.loss)
    report = figures.Figures('quiet_with_loss' if options.loss else 'quiet', options)
    lab = meshes.Lab(options.bin_dir)
    lab.boot()
    if not lab.wait(lab.converged, 60):
        report.fail('the meshes did not converge')
    lab.events.clear()
    seconds = options.minutes * 60
    while seconds > 0:
        lab.rest(min(REPORT_EVERY_S, seconds))
        seconds -= REPORT_EVERY_S
        counts = collections.Counter(event['event'] for _, _, event in lab.events)
        report.say(f'{max(seconds, 0):.0f} s left: {dict(counts)}')
    counts = collections.Counter(event['event'] for _, _, event in lab.events)
    report.add('minutes', options.minutes)
    if options.loss:
        arrived, dropped = lost()
        report.add('datagrams_lost_percent', 100 * dropped / max(arrived, 1), '%')
        report.add('datagrams_lost', dropped)
    for kind in ('updated', 'suspected', 'refuted', 'joined', 'neighbor_up', 'neighbor_down', 'seed_retry'):
        report.add(kind, counts[kind])
    report.at_most('false_deaths', sum(counts[kind] for kind in meshes.GONE), 0)
    if not all(node.alive for node in lab.nodes):
        report.fail('a node ended by itself')
    if not lab.truly_converged():
        report.fail('at the end not every directory was whole')
    lab.close()
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
