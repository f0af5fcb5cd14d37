#!/usr/bin/env python3
"""Boots two meshes of nine nodes again and again: from the last start of a process until every directory holds exactly
its own mesh, seen twice: by `grapevine up` itself (which boots and watches) and by this program's own processes."""

import json
import subprocess
import sys
import time

import figures
import meshes

BUDGET_MS = 1000
PATIENCE_S = 30


def boot_by_up(options, report):
    """converged_ms of one boot by `grapevine up`, and seconds from exec to its report; nothing if it failed."""
    began = time.monotonic()
    words = [str(options.bin_dir / 'grapevine'), 'up', '--json']
    up = subprocess.Popen(words, stdout=subprocess.PIPE, text=True,  # pylint: disable=consider-using-with
                          preexec_fn=meshes.die_with_parent)  # pylint: disable=subprocess-popen-preexec-fn
    try:
        line = up.stdout.readline()
        whole_ms = (time.monotonic() - began) * 1000
        found = json.loads(line) if line else {'converged': False}
        if not found['converged'] or not all(node['directory_size'] == 9 for node in found['nodes']):
            report.fail('a boot by grapevine up did not converge')
            return None
        return found['converged_ms'], whole_ms
    finally:
        code = meshes.end_of(up, 5)
        if code != 0:
            report.fail(f'grapevine up ended with {code}')


def boot_by_lab(options, report):
    """Milliseconds from the last start to agreement; nothing if it failed."""
    lab = meshes.Lab(options.bin_dir)
    try:
        last = lab.boot()
        if not lab.wait(lab.converged, PATIENCE_S):
            report.fail('a boot did not converge')
            return None
        took = (time.monotonic() - last) * 1000
        if not lab.truly_converged():
            report.fail('the events and the directories disagree')
        return took
    finally:
        lab.close()


def main():
    parser = figures.parser(__doc__)
    parser.add_argument('--runs', type=int, default=20, help='boots of each kind (default 20)')
    options = parser.parse_args()
    report = figures.Figures('convergence', options)
    by_up, whole, by_lab = [], [], []
    for run in range(options.runs):
        one = boot_by_up(options, report)
        if one:
            by_up.append(one[0])
            whole.append(one[1])
        other = boot_by_lab(options, report)
        if other:
            by_lab.append(other)
        report.say(f'boot {run + 1}/{options.runs}: up {one and round(one[0])} ms, own {other and round(other)} ms')
    report.add('boots', len(by_up) + len(by_lab))
    report.percentiles('up_start_to_report_ms', whole, 'ms')
    report.percentiles('own_converged_ms', by_lab, 'ms')
    report.percentiles('converged_ms', by_up, 'ms')
    worst = max(figures.percentile(by_up, 0.99), figures.percentile(by_lab, 0.99))
    report.at_most('worst_p99_ms', float(worst), BUDGET_MS, 'ms')
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
