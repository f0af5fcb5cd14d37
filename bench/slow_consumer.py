#!/usr/bin/env python3
"""One broker of three is slow (it answers each message a second late). A producer sends to it all the time, in the same
node as another that sends to a quick broker: the quick one's latency beside a run in which nobody is slow."""

import sys

import figures
import loads

RATIO_MAX = 1.5


def one_run(options, delay):
    """Latency of the quick broker's messages, in microseconds, while the other is loaded, too."""
    lab = loads.LoadLab(options.bin_dir, 1, serve=('--echo',))
    slow, quick, *_ = lab.of('mesh1', 'broker')
    if delay:
        lab.serve_more[slow.data_dir] = ('--delay', f'{delay}ms')
    lab.boot()
    source = lab.of('mesh1', 'gateway')[0]
    for node in (slow, quick):
        lab.wait_reachable(source, node.id)
    beside = loads.Load(source, slow.id, rate=options.slow_rate, duration_ms=(options.seconds + 2) * 1000,
                        unanswered_max=4096)
    answer = lab.probe(source, quick.id, options.seconds, rate=options.rate)
    slow_answer = beside.wait(options.seconds + loads.PATIENCE_S)
    lab.close()
    if answer['ended']['acknowledged'] != answer['due']:
        raise RuntimeError(f'the quick broker did not take all: {answer["ended"]}')
    return answer['latency_us'], slow_answer


def main():
    parser = figures.parser(__doc__)
    parser.add_argument('--rounds', type=int, default=5, help='(default 5)')
    parser.add_argument('--seconds', type=int, default=10, help='of each run (default 10)')
    parser.add_argument('--rate', type=int, default=1000, help='to the quick broker (default 1000)')
    parser.add_argument('--slow-rate', type=int, default=500, help='to the other (default 500)')
    parser.add_argument('--delay', type=int, default=1000, help='milliseconds (default 1000)')
    options = parser.parse_args()
    report = figures.Figures('slow_consumer', options)
    ratios = {'p50': [], 'p99': []}
    times = {(label, kind): [] for label in ratios for kind in ('alone', 'beside')}
    for number in range(options.rounds):
        alone, _ = one_run(options, 0)
        beside, slow = one_run(options, options.delay)
        for label, values in ratios.items():
            values.append(beside[label] / alone[label])
            times[label, 'alone'].append(alone[label] / 1000)
            times[label, 'beside'].append(beside[label] / 1000)
        report.say(f'round {number + 1}: p99 {alone["p99"] / 1000:.2f} ms, beside a slow one '
                   f'{beside["p99"] / 1000:.2f} ms; that one: {slow["ended"]["acknowledged"]} of {slow["due"]}')
    for (label, kind), values in times.items():
        report.add(f'{label}_{kind}_ms', float(figures.percentile(values, 0.5)), 'ms')
    for label, values in ratios.items():
        report.at_most(f'{label}_ratio', float(figures.percentile(values, 0.5)), RATIO_MAX)
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
