#!/usr/bin/env python3
"""1,000 messages a second for half a minute, 10,000 more within one second, and 1,000 a second again: how long until p99
is what it was before."""

import sys

import figures
import loads

RECOVERY_BUDGET_S = 10.0
NORMAL = 2.0       # Times the p99 of the time before counts as what it was,
FLOOR_US = 2000.0  # but a stall of the machine of so much is no burst's.
REPORT_MS = 200


def recovery_of(progress, began_ms, normal):
    """Seconds from the burst's begin to the first of five reports in a row whose p99 is normal; None if there is none."""
    times = [(line['elapsed_ms'], line['latency_us']['p99']) for line in progress if line['elapsed_ms'] > began_ms]
    for first in range(len(times) - 4):
        if all(p99 <= normal for _, p99 in times[first:first + 5]):
            return (times[first][0] - began_ms) / 1000
    return None


def one_run(options, report):
    lab = loads.LoadLab(options.bin_dir, 2)
    lab.boot()
    target = 'mesh1.broker' if options.own_mesh else 'mesh2.broker'
    steady_source, burst_source = lab.of('mesh1', 'compute')
    for source in (steady_source, burst_source):
        lab.wait_reachable(source, target)
    whole = options.before + 1 + options.after
    steady = loads.Load(steady_source, target, rate=1000, duration_ms=whole * 1000, report_ms=REPORT_MS,
                        unanswered_max=16384)
    while not steady.progress or steady.progress[-1]['elapsed_ms'] < options.before * 1000:
        lab.rest(0.02)
        steady.read()
    began_ms = steady.progress[-1]['elapsed_ms']
    before = [line['latency_us']['p99'] for line in steady.progress[len(steady.progress) // 2:]]
    burst = loads.Load(burst_source, target, rate=options.burst, duration_ms=1000, unanswered_max=16384)
    ended = [load.wait(whole + loads.PATIENCE_S) for load in (steady, burst)]
    lab.close()
    p99 = float(figures.percentile(before, 0.5))
    for name, answer in zip(('steady', 'burst'), ended):
        if answer['lost'] or answer['ended']['acknowledged'] != answer['due']:
            report.fail(f'{name}: {answer["ended"]}, {answer["lost"]} lost, {answer["unsubmitted"]} never submitted')
    recovery = recovery_of(steady.progress, began_ms, max(FLOOR_US, NORMAL * p99))
    if recovery is None:
        report.fail('p99 did not come back')
    worst = max(line['latency_us']['p99'] for line in steady.progress if line['elapsed_ms'] > began_ms)
    return recovery, p99, worst


def main():
    parser = figures.parser(__doc__)
    parser.add_argument('--runs', type=int, default=3, help='(default 3)')
    parser.add_argument('--before', type=int, default=30, help='seconds before the burst (default 30)')
    parser.add_argument('--after', type=int, default=20, help='seconds after it (default 20)')
    parser.add_argument('--burst', type=int, default=10000, help='messages in its second (default 10000)')
    parser.add_argument('--own-mesh', action='store_true', help='to the brokers of the same mesh')
    options = parser.parse_args()
    report = figures.Figures('burst', options)
    runs = [one_run(options, report) for _ in range(options.runs)]
    report.add('p99_before_ms', float(figures.percentile([run[1] for run in runs], 0.5)) / 1000, 'ms')
    report.add('p99_worst_ms', float(figures.percentile([run[2] for run in runs], 0.5)) / 1000, 'ms')
    known = [run[0] for run in runs if run[0] is not None]
    report.percentiles('recovery_s', known, 's')
    report.at_most('recovery_worst_s', max(known, default=999.0), RECOVERY_BUDGET_S, 's')
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
