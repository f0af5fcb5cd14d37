#!/usr/bin/env python3
"""kill -9 of random nodes of two meshes of nine, each started again with the same key. From the kill until no
survivor's directory holds the victim; from the new start until it is back in every directory. Everything else that dies
is a false death."""

import random
import sys
import time

import figures
import meshes

DEATH_BUDGET_S = 5.0
RETURN_BUDGET_S = 2.0
PATIENCE_S = 45.0


def watch_death(lab, victim, killed_at):
    """Seconds until each survivor has dropped the victim; None for those that never do."""
    survivors = [node for node in lab.mesh(victim.mesh) if node.alive]
    seen = {}

    def all_know():
        now = time.monotonic()
        for node in survivors:
            if victim.id not in lab.ids_of(node):
                seen.setdefault(node.data_dir, now - killed_at)
        return len(seen) == len(survivors)

    lab.wait(all_know, PATIENCE_S)
    return [seen.get(node.data_dir) for node in survivors]


def kill_once(lab, rng, report):
    """(seconds to the first survivor, to all, from the new start to back everywhere), or nothing when it failed."""
    victim = rng.choice(lab.nodes)
    lab.rest(rng.uniform(0.5, 1.5))
    times = watch_death(lab, victim, lab.kill(victim))
    if None in times:
        report.fail(f'{times.count(None)} survivors still list {victim.data_dir.name} after {PATIENCE_S} s')
    lab.restart(victim)
    if not lab.wait(lab.converged, PATIENCE_S):
        report.fail(f'{victim.data_dir.name} did not come back within {PATIENCE_S} s')
        return None
    back = time.monotonic() - victim.started_at
    known = [t for t in times if t is not None]
    return (min(known), max(known), back) if known and None not in times else None


def false_deaths(lab):
    """Reports of death of nodes that nobody had killed within the last minute before them."""
    out = []
    for at, observer, event in lab.events:
        if event['event'] in ('died', 'stale') and not any(
                event['id'] == victim and killed <= at <= killed + 60 for killed, victim in lab.kills):
            out.append((observer, event))
    return out


def main():
    parser = figures.parser(__doc__)
    parser.add_argument('--runs', type=int, default=50, help='kills (default 50)')
    parser.add_argument('--seed', type=int, default=1, help='of the choice of victims and pauses (default 1)')
    options = parser.parse_args()
    report = figures.Figures('kill', options)
    rng = random.Random(options.seed)
    lab = meshes.Lab(options.bin_dir)
    first, everybody, back = [], [], []
    lab.boot()
    if not lab.wait(lab.converged, 30):
        report.fail('the meshes did not converge')
    for run in range(options.runs):
        times = kill_once(lab, rng, report)
        if times:
            first.append(times[0])
            everybody.append(times[1])
            back.append(times[2])
            report.say(f'kill {run + 1}/{options.runs}: first {times[0]:.2f} s, all {times[1]:.2f} s, '
                       f'back {times[2]:.2f} s')
    if not lab.truly_converged():
        report.fail('the events and the directories disagree')
    report.add('kills', len(lab.kills))
    report.percentiles('first_survivor_s', first, 's')
    report.percentiles('all_survivors_s', everybody, 's')
    report.percentiles('back_everywhere_s', back, 's')
    report.at_most('death_known_p99_s', figures.percentile(everybody, 0.99), DEATH_BUDGET_S, 's')
    report.at_most('back_p99_s', figures.percentile(back, 0.99), RETURN_BUDGET_S, 's')
    report.at_most('false_deaths', len(false_deaths(lab)), 0)
    lab.close()
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
