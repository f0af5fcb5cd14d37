#!/usr/bin/env python3
"""What an idle node process costs: CPU, wake-ups and memory of the 18 nodes that `grapevine up` boots, read from /proc
of each node. The floor stands beside it in the same seconds: as many processes that only wake up at the same rate.

`grapevine up` watches every node's control socket, and with --export the nodes send their telemetry to its collector;
--bare starts the nodes without anybody who watches."""

import json
import subprocess
import sys
import time

import figures
import meshes
import processes

CPU_BUDGET_PERCENT = 0.1
WAKEUPS_BUDGET_PER_S = 15
RSS_BUDGET_KIB = 8 * 1024
PRIVATE_BUDGET_KIB = 3 * 1024


def start_up(options, report):
    """`grapevine up`, converged: the process and its nodes' pids."""
    words = [str(options.bin_dir / 'grapevine'), 'up', '--json', *([] if options.export else ['--no-collector'])]
    up = subprocess.Popen(words, stdout=subprocess.PIPE, text=True,  # pylint: disable=consider-using-with
                          preexec_fn=meshes.die_with_parent)  # pylint: disable=subprocess-popen-preexec-fn
    line = up.stdout.readline()
    if not line:
        report.fail(f'grapevine up ended with {up.wait()} before it converged')
        return up, []
    first = json.loads(line)
    if not first['converged']:
        report.fail('grapevine up did not converge')
    return up, [node['pid'] for node in first['nodes']]


def start_bare(options, report):
    lab = meshes.Lab(options.bin_dir)
    lab.boot()
    if not lab.wait(lab.converged, 30):
        report.fail('the meshes did not converge')
    for node in lab.nodes:
        lab.unfollow(node)
    return lab, [node.process.pid for node in lab.nodes]


def measure(pids, seconds):
    """Rates over `seconds`, and the last sample, for each process."""
    before = [(time.monotonic(), processes.cost_of(pid)) for pid in pids]
    time.sleep(seconds)
    after = [(time.monotonic(), processes.cost_of(pid)) for pid in pids]
    rates = [processes.rates_between(b, a, t1 - t0) for (t0, b), (t1, a) in zip(before, after)]
    return rates, [cost for _, cost in after]


def start_floor(options, count, rate):
    words = [str(options.bin_dir / 'bench_idle_floor'), f'{max(rate, 0.01):.3f}']
    return [subprocess.Popen(words, preexec_fn=meshes.die_with_parent)  # pylint: disable=subprocess-popen-preexec-fn
            for _ in range(count)]


def mean(values):
    values = list(values)
    return sum(values) / len(values) if values else 0.0


def report_nodes(report, rates, costs):
    cpu = [rate.cpu_percent for rate in rates]
    report.at_most('cpu_percent_mean', mean(cpu), CPU_BUDGET_PERCENT, '%')
    report.add('cpu_percent_max', max(cpu), '%')
    report.add('cpu_percent_by_utime_stime_mean', mean(rate.cpu_ticks_percent for rate in rates), '%')
    wakeups = [rate.wakeups_per_s for rate in rates]
    report.at_most('wakeups_per_s_mean', mean(wakeups), WAKEUPS_BUDGET_PER_S, '1/s')
    report.add('wakeups_per_s_max', max(wakeups), '1/s')
    report.at_most('rss_kib_max', max(cost.rss_kib for cost in costs), RSS_BUDGET_KIB, 'KiB')
    report.add('rss_kib_mean', mean(cost.rss_kib for cost in costs), 'KiB')
    report.add('pss_kib_mean', mean(cost.pss_kib for cost in costs), 'KiB')
    report.at_most('private_kib_max', max(cost.private_kib for cost in costs), PRIVATE_BUDGET_KIB, 'KiB')
    report.add('private_kib_mean', mean(cost.private_kib for cost in costs), 'KiB')
    report.add('threads_max', max(cost.threads for cost in costs))
    report.add('descriptors_max', max(cost.descriptors for cost in costs))


def report_floor(report, nodes, floor, costs):
    node_cpu = mean(rate.cpu_percent for rate in nodes)
    floor_cpu = mean(rate.cpu_percent for rate in floor)
    node_wakeups = mean(rate.wakeups_per_s for rate in nodes)
    floor_wakeups = mean(rate.wakeups_per_s for rate in floor)
    report.add('floor_cpu_percent_mean', floor_cpu, '%')
    report.add('floor_wakeups_per_s_mean', floor_wakeups, '1/s')
    report.add('floor_rss_kib_mean', mean(cost.rss_kib for cost in costs), 'KiB')
    report.add('cpu_us_per_wakeup', node_cpu * 1e4 / max(node_wakeups, 1e-9), 'us')
    report.add('floor_cpu_us_per_wakeup', floor_cpu * 1e4 / max(floor_wakeups, 1e-9), 'us')
    report.add('ratio_of_cpu_to_floor', node_cpu / max(floor_cpu, 1e-9))


def main():
    parser = figures.parser(__doc__)
    parser.add_argument('--seconds', type=float, default=60, help='how long to measure (default 60)')
    parser.add_argument('--settle', type=float, default=15, help='how long to wait after convergence (default 15)')
    parser.add_argument('--export', action='store_true', help='with the collector of `up`, to which all nodes export')
    parser.add_argument('--bare', action='store_true', help='nobody watches the nodes')
    options = parser.parse_args()
    report = figures.Figures('idle_cost', options)
    source, pids = (start_bare if options.bare else start_up)(options, report)
    floor = []
    try:
        if pids:
            time.sleep(options.settle)
            first, _ = measure(pids, max(5.0, options.seconds / 6))
            floor = start_floor(options, len(pids), mean(rate.wakeups_per_s for rate in first))
            floor_pids = [process.pid for process in floor]
            rates, costs = measure(pids + floor_pids, options.seconds)
            report.add('nodes', len(pids))
            report_nodes(report, rates[:len(pids)], costs[:len(pids)])
            report_floor(report, rates[:len(pids)], rates[len(pids):], costs[len(pids):])
    finally:
        for process in floor:
            process.kill()
            process.wait()
        if options.bare:
            source.close()
        else:
            meshes.end_of(source, 5)
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
