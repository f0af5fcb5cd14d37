#!/usr/bin/env python3
"""From exec to the ready line of one node, with a fresh identity and again with a kept one, beside a C++ program that
only prints a line; by turns in one run. The data directories are made under $TMPDIR."""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import figures

BUDGET_MS = 10


def time_to_line(words):
    """Milliseconds from just before the process is made to its first line, and of CPU that it spent till then."""
    read_end, write_end = os.pipe()
    begin = time.monotonic()
    pid = os.posix_spawn(words[0], words, os.environ,
                         file_actions=[(os.POSIX_SPAWN_DUP2, write_end, 1), (os.POSIX_SPAWN_CLOSE, read_end)])
    os.close(write_end)
    line = os.read(read_end, 4096)
    took = (time.monotonic() - begin) * 1000
    spent = int(Path(f'/proc/{pid}/schedstat').read_text(encoding='ascii').split()[0]) / 1e6
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    os.close(read_end)
    if b'"ready"' not in line:
        raise RuntimeError(f'{words[0]}: no ready line')
    return took, spent


def main():
    parser = figures.parser(__doc__)
    parser.add_argument('--runs', type=int, default=100, help='starts of each kind (default 100)')
    options = parser.parse_args()
    report = figures.Figures('startup', options)
    root = Path(tempfile.mkdtemp(prefix='grapevine-bench-'))
    node = [str(options.bin_dir / 'broker'), '--mesh', 'mesh1', '--bind', '127.0.0.1:0', '--data-dir']
    floor, fresh, kept = [], [], []
    try:
        for run in range(options.runs):
            data_dir = str(root / str(run))
            floor.append(time_to_line([str(options.bin_dir / 'bench_startup_floor')]))
            fresh.append(time_to_line(node + [data_dir]))
            kept.append(time_to_line(node + [data_dir]))
    finally:
        shutil.rmtree(root, ignore_errors=True)
    for label, samples in (('floor', floor), ('fresh_identity', fresh), ('kept_identity', kept)):
        report.percentiles(f'{label}_ms', [took for took, _ in samples], 'ms')
        report.add(f'{label}_cpu_p50_ms', figures.percentile([spent for _, spent in samples], 0.5), 'ms')
    both = [took for took, _ in fresh + kept]
    report.at_most('ready_p99_ms', figures.percentile(both, 0.99), BUDGET_MS, 'ms')
    report.add('ratio_of_p50_to_floor',
               figures.percentile(both, 0.5) / max(figures.percentile([took for took, _ in floor], 0.5), 1e-9))
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
