#!/usr/bin/env python3
"""10,000 messages a second from one mesh to the brokers of another, while every gateway of both and one broker after
another are killed (-9) and started again. At the end every message is accounted for: what its sender was told beside what
the receivers wrote down before they answered."""

import collections
import resource
import sys
import time

import figures
import loads
import processes


def storm(lab, running, options, report):
    """Kills and restarts until the loads have ended. One round: all gateways of both meshes, some at once and some one
    after another, and a third of the receiving brokers."""
    gateways = [node for node in lab.nodes if node.type == 'gateway']
    brokers = lab.of(options.target, 'broker')
    rounds = 0
    end = time.monotonic() + options.seconds
    while time.monotonic() + options.pause < end:
        victims = gateways if rounds % 2 else gateways[rounds // 2 % 2::2]
        broker = brokers[rounds % len(brokers)]
        for victim in [*victims, broker]:
            lab.kill(victim)
        watch(running, options.down)
        for victim in [*victims, broker]:
            lab.restart(victim)
        rounds += 1
        watch(running, min(options.pause, max(0.0, end - time.monotonic())))
        last = [load.progress[-1] for load in running if load.progress]
        report.say(f'round {rounds}: {sum(p["acknowledged_per_s"] for p in last):.0f}/s, p99 '
                   f'{max((p["latency_us"]["p99"] for p in last), default=0) / 1000:.1f} ms, '
                   f'{sum(p["unanswered"] for p in last)} under way')
    return rounds


def watch(running, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for load in running:
            if load.answer is None:
                load.read()
        time.sleep(0.05)


def read_outcomes(path):
    """{(incarnation, sequence): (ending, handled)} and how many records there were."""
    data = path.read_bytes()
    out = {}
    for incarnation, sequence, ending, handled in loads.OUTCOME.iter_unpack(data):
        out[incarnation, sequence] = (ending, handled)
    return out, len(data) // loads.OUTCOME.size


def read_handled(lab, mesh, senders):
    """By sender, how often each id was handled, by all brokers in all their lives."""
    out = {sender: collections.Counter() for sender in senders}
    for broker in lab.of(mesh, 'broker'):
        data = lab.record_of(broker).read_bytes()
        for sender, incarnation, sequence in loads.RECORD.iter_unpack(data[:len(data) // 48 * 48]):
            if sender in out:
                out[sender][incarnation, sequence] += 1
        if len(data) % loads.RECORD.size:
            raise RuntimeError('half a record was written')
    return out


def account(lab, running, files, options, report):
    senders = [bytes.fromhex(load.source.id) for load in running]
    handled = read_handled(lab, options.target, senders)
    told = collections.Counter()
    found = collections.Counter()
    problems = collections.Counter()
    for load, sender, file in zip(running, senders, files):
        outcomes, records = read_outcomes(file)
        problems['without_outcome'] += load.answer['submitted'] - len(outcomes)
        problems['with_two_outcomes'] += records - len(outcomes)
        problems['lost'] += load.answer['lost']
        for message, (ending, seen) in outcomes.items():
            reason = loads.ENDINGS[ending]
            told[reason] += 1
            times = handled[sender].pop(message, 0)
            found[reason] += 1 if times else 0
            problems['handled_twice'] += times > 1
            problems['acknowledged_not_handled'] += reason == 'acknowledged' and times == 0
            problems['handled_though_told_not'] += loads.HANDLED[seen] == 'no' and times > 0
        # The messages by which the name was sought before are no part of the load.
        problems['handled_unknown'] += max(0, len(handled[sender]) - options.probes[load.source.id])
    print(f'{"outcome":<20}{"messages":>12}{"handled":>12}', file=sys.stderr)
    for reason, count in told.most_common():
        print(f'{reason:<20}{count:>12}{found[reason]:>12}', file=sys.stderr)
        report.add(f'ended_{reason}', count)
        report.add(f'ended_{reason}_and_handled', found[reason])
    for problem, count in problems.items():
        report.at_most(problem, count, 0)
        if count:
            report.fail(f'{problem}: {count}')


def cpu_seconds(lab):
    dead = resource.getrusage(resource.RUSAGE_CHILDREN)
    alive = sum(processes.cost_of(node.process.pid).cpu_ns for node in lab.nodes if node.alive)
    return dead.ru_utime + dead.ru_stime + alive / 1e9


def main():
    parser = figures.parser(__doc__)
    parser.add_argument('--seconds', type=int, default=300, help='of load (default 300)')
    parser.add_argument('--rate', type=int, default=10000, help='messages a second, all together (default 10000)')
    parser.add_argument('--size', type=int, default=200, help='bytes of a message (default 200)')
    parser.add_argument('--pause', type=float, default=5, help='seconds between two rounds of kills (default 5)')
    parser.add_argument('--down', type=float, default=1, help='seconds that a victim stays dead (default 1)')
    parser.add_argument('--calm', action='store_true', help='kill nobody: the same load for comparison')
    parser.add_argument('--own-mesh', action='store_true', help='to the brokers of the same mesh')
    options = parser.parse_args()
    options.target = 'mesh1' if options.own_mesh else 'mesh2'
    report = figures.Figures('storm', options)
    lab = loads.LoadLab(options.bin_dir, 2)
    lab.boot()
    sources = lab.of('mesh1', 'compute')
    name = f'{options.target}.broker'
    for source in sources:
        lab.wait_reachable(source, name)
    # What was handled so far came from the probes.
    senders = [bytes.fromhex(source.id) for source in sources]
    before = read_handled(lab, options.target, senders)
    options.probes = {source.id: len(before[sender]) for source, sender in zip(sources, senders)}
    cpu = cpu_seconds(lab)
    files = [source.data_dir.with_suffix('.outcomes') for source in sources]
    running = [loads.Load(source, name, rate=options.rate // len(sources), duration_ms=options.seconds * 1000,
                          payload_bytes=options.size, unanswered_max=4096, outcomes_file=str(file))
               for source, file in zip(sources, files)]
    rounds = 0 if options.calm else storm(lab, running, options, report)
    answers = [load.wait(options.seconds + loads.PATIENCE_S) for load in running]
    spent = cpu_seconds(lab) - cpu
    submitted = sum(answer['submitted'] for answer in answers)
    report.add('rounds_of_kills', rounds)
    report.add('kills', len(lab.kills))
    report.add('due', sum(answer['due'] for answer in answers))
    report.add('submitted', submitted)
    report.at_most('never_submitted', sum(answer['unsubmitted'] for answer in answers), 0)
    report.add('acknowledged_per_s', sum(answer['acknowledged_per_s'] for answer in answers))
    for label in ('p50', 'p99', 'max'):
        report.add(f'latency_{label}_ms', max(answer['latency_us'][label] for answer in answers) / 1000, 'ms')
    report.add('cpu_us_per_message', spent / max(1, submitted) * 1e6, 'us')
    report.add('cpu_cores_used', spent / options.seconds)
    account(lab, running, files, options, report)
    lab.close()
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
