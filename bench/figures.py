"""What every driver prints: figures, ratios, budgets, and with --json one object. The twin of figures.hpp."""

import argparse
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def percentile(samples, p):
    """The value below which a fraction p of the samples lies (nearest rank). 0 for none."""
    ordered = sorted(samples)
    return ordered[min(int(p * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def parser(description):
    out = argparse.ArgumentParser(description=description)
    out.add_argument('--json', action='store_true', help='print one JSON object instead of lines')
    out.add_argument('--enforce', action='store_true', help='exit 1 when a budget is missed')
    out.add_argument('--bin-dir', type=Path,
                     default=Path(os.environ.get('GRAPEVINE_BIN_DIR', ROOT / 'build' / 'release' / 'bin')),
                     help='where the programs are (default: $GRAPEVINE_BIN_DIR, else build/release/bin)')
    return out


def slope_per_hour(samples):
    """Least squares over (seconds, value) pairs."""
    if len(samples) < 2:
        return 0.0
    mean_t = sum(t for t, _ in samples) / len(samples)
    mean_v = sum(v for _, v in samples) / len(samples)
    spread = sum((t - mean_t) ** 2 for t, _ in samples)
    return 3600 * sum((t - mean_t) * (v - mean_v) for t, v in samples) / spread if spread else 0.0


class Figures:
    """Collects figures in order and judges them."""

    def __init__(self, name, options):
        self.name, self.options = name, options
        self.values, self.missed, self.failed = {}, [], []
        self.add('load_average', os.getloadavg()[0])

    def say(self, text):
        """Talk: to people, never in the way of the JSON object."""
        print(text, file=sys.stderr, flush=True)

    def add(self, what, value, unit=''):
        self.values[what] = round(value, 4) if isinstance(value, float) else value
        if not self.options.json:
            text = f'{value:12.3f}' if isinstance(value, float) else f'{value!s:>12}'
            print(f'{what:<44} {text} {unit}'.rstrip(), flush=True)

    def percentiles(self, what, samples, unit):
        for label, p in (('p50', 0.5), ('p99', 0.99), ('max', 1.0)):
            self.add(f'{what}_{label}', float(percentile(samples, p)), unit)

    def at_most(self, what, value, limit, unit=''):
        self.add(what, value, unit)
        self.judge(what, value <= limit, f'at most {limit} {unit}'.rstrip())

    def judge(self, what, met, rule):
        self.values[f'{what}_budget'] = rule
        if not met:
            self.missed.append(what)
        if not self.options.json:
            print(f'  {"PASS" if met else "OVER"}: {rule}', flush=True)

    def fail(self, why):
        """The measurement itself went wrong."""
        self.failed.append(why)
        self.say(f'{self.name}: {why}')

    def finish(self):
        """Prints what is left and gives the exit code."""
        if self.options.json:
            print(json.dumps({'bench': self.name, **self.values, 'within_budget': not self.missed and not self.failed,
                              'over': self.missed, 'failed': self.failed}))
        return 1 if self.failed or (self.options.enforce and self.missed) else 0
