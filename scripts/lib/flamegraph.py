#!/usr/bin/env python3
"""Folds the stacks that `perf script` prints, and draws them as a flame graph: one SVG that needs nothing else.

Usage: flamegraph.py --output FILE.svg [--title TEXT] [--top N] [--folded FILE] < OUTPUT_OF_PERF_SCRIPT

It reads the fields comm,pid,tid,ip,sym,dso. A folded stack is its frames from the outermost to the innermost, joined
by semicolons, then its number of samples. A frame ends in _[k] where it is the kernel's and in _[l] where it is of a
shared library. Exit code 3: there was no sample.
"""

import argparse
import re
import sys
from collections import Counter
from dataclasses import dataclass, field

sys.dont_write_bytecode = True
import flamegraph_svg  # noqa: E402

EXIT_NO_SAMPLES = 3
KERNEL, LIBRARY = '_[k]', '_[l]'
UNKNOWN = '[unknown]'

# "NAME 123/456": the line that opens a sample. A thread's name may hold anything, so what follows it decides.
HEADER = re.compile(r'(\S.*?)\s+-?\d+/-?\d+:?\s*$')
# "  7f12ab symbol (/path/of.so)"; symbols hold blanks and parentheses.
FRAME = re.compile(r'\s+[0-9a-f]+ (.*) \((.*)\)\s*$')
DELETED = ' (deleted))'
# Where a thread begins: a stack that reaches one of these was unwound to its end, as was one of the kernel alone.
ROOTS = {'_start', '_dl_start_user', '__libc_start_main', '__libc_start_main_impl', '__libc_start_call_main', 'clone',
         'clone3', '__clone', '__clone3', 'start_thread', 'ret_from_fork', 'ret_from_fork_asm'}


@dataclass
class Folded:
    """Stacks with their numbers of samples, and how many samples were unwound down to where a thread begins."""

    stacks: Counter = field(default_factory=Counter)
    whole: int = 0

    @property
    def samples(self):
        return sum(self.stacks.values())


def frame_name(symbol, dso):
    """A frame as it is folded: the symbol, or the file where it has none, and the mark of its kind."""
    symbol = symbol.strip() or UNKNOWN
    file = dso.rsplit('/', 1)[-1]
    if symbol == UNKNOWN and not dso.startswith('['):
        symbol = f'[{file}]'
    return symbol.replace(';', ':') + kind_mark(dso, file)


def kind_mark(dso, file):
    if dso in (UNKNOWN, '[vdso]', '[heap]', '[stack]', '[anon]', '//anon'):
        return ''
    if dso.startswith('[') or file.endswith(('.ko', '.ko.xz', '.ko.zst', 'vmlinux')):
        return KERNEL
    return LIBRARY if re.search(r'\.so(\.|$)', file) else ''


def plain(frame):
    """A frame without the mark of its kind."""
    return frame[:-len(KERNEL)] if frame.endswith((KERNEL, LIBRARY)) else frame


def fold(lines):
    """Reads what perf script prints: for each sample a line that names the thread, its frames, an empty line."""
    folded = Folded()
    thread, frames = None, []

    def finish():
        if thread is None:
            return
        folded.whole += bool(frames) and (frames[-1].endswith(KERNEL) or plain(frames[-1]).split('@')[0] in ROOTS)
        folded.stacks[(thread, *merge_unknown(reversed(frames)))] += 1

    for line in lines:
        if found := FRAME.match(line.replace(DELETED, ')')):
            frames.append(frame_name(found[1], found[2]))
        elif found := HEADER.match(line):
            finish()
            thread, frames = found[1].replace(';', ':'), []
    finish()
    return folded


def merge_unknown(frames):
    """Neighbouring frames without a symbol become one: they say no more than that."""
    merged = []
    for frame in frames:
        if not (merged and frame == merged[-1] and plain(frame).startswith('[')):
            merged.append(frame)
    return merged


def folded_text(stacks):
    return ''.join(f'{";".join(stack)} {count}\n' for stack, count in sorted(stacks.items()))


def shares(stacks):
    """(samples in which a frame was running itself, samples in which it was anywhere in the stack)."""
    own, inclusive = Counter(), Counter()
    for stack, count in stacks.items():
        own[stack[-1]] += count
        for frame in set(stack[1:]):
            inclusive[frame] += count
    return own, inclusive


def top_text(stacks, rows):
    total = sum(stacks.values())
    own, inclusive = shares(stacks)
    lines = []
    for title, counts in (('self', own), ('inclusive', inclusive)):
        lines.append(f'{title:>9}  samples  frame')
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:rows]
        lines += [f'{count / total:9.2%}  {count:7}  {flamegraph_svg.short_name(frame)}' for frame, count in ranked]
    return '\n'.join(lines) + '\n'


def parse_arguments(words):
    parser = argparse.ArgumentParser(prog='flamegraph.py', allow_abbrev=False)
    parser.add_argument('--output', required=True)
    parser.add_argument('--title', default='')
    parser.add_argument('--top', type=int, default=0)
    parser.add_argument('--folded')
    return parser.parse_args(words)


def main(words):
    arguments = parse_arguments(words)
    sys.stdin.reconfigure(encoding='utf-8', errors='replace')
    folded = fold(sys.stdin)
    total = folded.samples
    if total == 0:
        return EXIT_NO_SAMPLES
    whole = f'{total} samples, {folded.whole / total:.0%} of the stacks whole'
    with open(arguments.output, 'w', encoding='utf-8') as out:
        out.write(flamegraph_svg.draw(folded.stacks, f'{arguments.title}: {whole}'))
    if arguments.folded:
        with open(arguments.folded, 'w', encoding='utf-8') as out:
            out.write(folded_text(folded.stacks))
    if arguments.top > 0:
        sys.stdout.write(top_text(folded.stacks, arguments.top))
    print(whole, file=sys.stderr)
    return 0


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except OSError as error:
        print(f'{error.filename or "output"}: {error.strerror}', file=sys.stderr)
        sys.exit(1)
