"""What a process costs, read from /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf('SC_CLK_TCK')


@dataclass
class Cost:
    """Totals since the process began; memory as it is now."""

    cpu_ns: int            # Of all threads, by the scheduler's clock.
    cpu_ticks: int         # utime + stime, in clock ticks: too coarse for an idle process, but the usual measure.
    wakeups: int           # Voluntary context switches of all threads: blocked and woken once for each.
    preemptions: int
    rss_kib: int
    pss_kib: int
    private_kib: int
    threads: int
    descriptors: int


def numbers_of(path):
    """The first number of each 'Key: number' line."""
    out = {}
    for line in Path(path).read_text(encoding='ascii', errors='replace').splitlines():
        key, _, rest = line.partition(':')
        word = rest.split()[:1]
        if word and word[0].isdigit():
            out[key] = out.get(key, 0) + int(word[0])
    return out


def cost_of(pid):
    """Raises FileNotFoundError or ProcessLookupError when the process is gone."""
    tasks = list(Path(f'/proc/{pid}/task').iterdir())
    statuses = [numbers_of(task / 'status') for task in tasks]
    rollup = numbers_of(f'/proc/{pid}/smaps_rollup')
    stat = Path(f'/proc/{pid}/stat').read_text(encoding='ascii', errors='replace').rpartition(')')[2].split()
    return Cost(cpu_ns=sum(int((task / 'schedstat').read_text(encoding='ascii').split()[0]) for task in tasks),
                cpu_ticks=int(stat[11]) + int(stat[12]),
                wakeups=sum(status['voluntary_ctxt_switches'] for status in statuses),
                preemptions=sum(status['nonvoluntary_ctxt_switches'] for status in statuses),
                rss_kib=rollup['Rss'], pss_kib=rollup['Pss'],
                private_kib=rollup['Private_Clean'] + rollup['Private_Dirty'],
                threads=len(tasks), descriptors=len(os.listdir(f'/proc/{pid}/fd')))


@dataclass
class Rates:
    cpu_percent: float         # Of one core, by the scheduler's clock.
    cpu_ticks_percent: float   # The same by utime + stime.
    wakeups_per_s: float


def rates_between(before, after, seconds):
    return Rates(cpu_percent=(after.cpu_ns - before.cpu_ns) / seconds / 1e7,
                 cpu_ticks_percent=(after.cpu_ticks - before.cpu_ticks) / TICKS_PER_S / seconds * 100,
                 wakeups_per_s=(after.wakeups - before.wakeups) / seconds)
