#!/usr/bin/env python3
"""The style of this tree as a test. STYLE.md gives the reasons.

Usage: style_check.py [--root FOLDER] [FILE...]

Without files it checks the whole tree. Each finding is one line, path:line: rule: what to do instead. A line may be
excused where the rule makes it worse, on that line or the one above it:

    // style: allow RULE, because ...
"""

import argparse
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

sys.dont_write_bytecode = True
import style_lexer  # noqa: E402

FILE_LINES_MAX = 800
FILE_LINES_WARN = 500
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 120
README_LINES_MAX = 40

CODE_FOLDERS = ('src', 'sim', 'include', 'tests', 'bench', 'examples', 'cmake', 'interop')
SKIPPED_FOLDERS = {'.git', 'build', 'node_modules', 'target', '__pycache__', '.cache'}
TEXT_SUFFIXES = {'.cpp', '.hpp', '.md', '.cmake', '.txt', '.json', '.toml', '.py', '.sh', '.rs', '.js', '.mjs', '.ts',
                 '.in', '.yml', '.yaml', '.lock', ''}
SANS_IO = {'base', 'wire', 'telemetry', 'membership', 'broadcast', 'directory', 'admission', 'fabric', 'delivery',
           'paths', 'quic', 'node', 'stack', 'sim'}
OPEN_TO_PUBLIC_HEADERS = {'grapevine', 'apps', 'tests', 'bench', 'examples', 'public', 'chaos', 'console'}
EDGE = {'io', 'apps', 'grapevine', 'chaos', 'console', 'tests', 'bench', 'examples', 'interop'}


# Where a file exists to do what its layer otherwise must not.
EXCUSED_FILES = {('src/base/assert.cpp', 'log')}


@dataclass(frozen=True)
class Banned:
    """A construct that is refused in some folders, and what to write instead."""

    rule: str
    pattern: re.Pattern
    instead: str
    allowed_in: frozenset = frozenset()
    headers_only: bool = False


def banned(rule, pattern, instead, allowed_in=(), headers_only=False):
    return Banned(rule, re.compile(pattern), instead, frozenset(allowed_in), headers_only)


BANNED = (
    banned('sleep', r'\b(?:sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(',
           'advance virtual time, or wait for a condition with a deadline', {'bench'}),
    banned('distribution', r'\bstd::\w+_distribution\b',
           'use base::Rng; the standard distributions differ between libraries'),
    banned('clock', r'\b(?:system_clock|high_resolution_clock|steady_clock::now|clock_gettime|gettimeofday)\b',
           'take base::TimePoint now as an argument', EDGE),
    banned('random', r'\b(?:s?rand\s*\(|std::random_device\b|std::mt19937)',
           'take base::Rng& through the constructor', {'io', 'apps'}),
    banned('thread', r'\bstd::(?:j?thread|mutex|recursive_mutex|shared_mutex|condition_variable|async|atomic)\b',
           'a sans-IO layer has no threads', EDGE),
    banned('log', r'\b(?:spdlog::|std::(?:cout|cerr|clog)\b|(?:f|v|vf)?printf\s*\()',
           'return an effect, an error or a counter; layers that decide do not log', EDGE | {'cmake'}),
    banned('environment', r'\bgetenv\s*\(', 'take configuration as an argument', EDGE),
    banned('shared_ptr', r'\b(?:shared_ptr|make_shared|enable_shared_from_this)\b',
           'one owner holds the value, all others hold an id', EDGE),
    banned('assert', r'(?<![\w_])assert\s*\(', 'use GRAPEVINE_ASSERT, which release builds keep'),
    banned('unsafe_call', r'\b(?:atoi|atol|atof|sprintf|vsprintf|strcpy|strcat|strtok|tmpnam|mktemp)\s*\(',
           'use a checked, bounded form such as std::from_chars or std::snprintf'),
    banned('using_namespace', r'\busing\s+namespace\s+(?!std::\w*literals\b)', 'a header must not open namespaces for its users',
           headers_only=True),
)

# Written in pieces, so that this file does not break its own rule.
PLACES = (
    ('machine_path', re.compile(r'(?<![\w.$}/-])/(?:wor' r'k|roo' r't)/\w|/tmp/br' r'ief'),
     'no path of one machine belongs in the tree'),
    ('registry_host', re.compile(r'\b(?:npm' r'js|cra' r'tes|py' r'pi|pythonho' r'sted|gol' r'ang)\.(?:org|io|com)\b'
                                 r'|\b(?:deb|snapshot|security|ftp)\.deb' r'ian\.org'),
     'use what the machine is configured with; name no package registry'),
)


class Tree:
    """The tree to check: its folders, its layer table, and the findings so far."""

    def __init__(self, root):
        self.root = Path(root).resolve()
        self.findings = []
        self.warnings = []
        self.allowed = self._read_layers()

    def _read_layers(self):
        text = (self.root / 'cmake' / 'Layers.cmake').read_text(encoding='utf-8')
        entries = re.findall(r'^set\(GRAPEVINE_ALLOWED_(\w+)([^)]*)\)', text, re.MULTILINE)
        return {name: set(rest.split()) for name, rest in entries}

    def files(self):
        for folder, names, files in os.walk(self.root):
            names[:] = sorted(set(names) - SKIPPED_FOLDERS)
            yield from (Path(folder) / name for name in sorted(files))

    def report(self, path, line, rule, message):
        self.findings.append(f'{path.relative_to(self.root)}:{line}: {rule}: {message}')

    def warn(self, path, message):
        self.warnings.append(f'{path.relative_to(self.root)}: warning: {message}')


class Source:
    """One C++ file: its text, its code without comments and literals, and the layer that it belongs to."""

    def __init__(self, tree, path):
        self.path = path
        self.text = path.read_text(encoding='utf-8', errors='replace')
        self.lines = self.text.splitlines()
        self.code = style_lexer.code_only(self.text)
        self.name = path.relative_to(tree.root).as_posix()
        self.layer = layer_of(path.relative_to(tree.root))
        self.is_header = path.suffix == '.hpp'

    def excuses(self, line, rule):
        """Whether a comment on this line or the one above allows the rule and says why."""
        if (self.name, rule) in EXCUSED_FILES:
            return True
        nearby = self.lines[max(0, line - 2):line]
        return any(re.search(rf'// style: allow {rule}, because \S', text) for text in nearby)


def layer_of(relative):
    parts = relative.parts
    if parts[0] == 'src' and len(parts) > 2:
        return parts[1]
    return {'include': 'public'}.get(parts[0], parts[0])


def check_lengths(tree, source):
    count = len(source.lines)
    if count > FILE_LINES_MAX:
        tree.report(source.path, count, 'file_length', f'{count} lines, at most {FILE_LINES_MAX}; split by concern')
    elif count > FILE_LINES_WARN:
        tree.warn(source.path, f'{count} lines; split by concern before {FILE_LINES_MAX}')
    for function in style_lexer.functions(source.code):
        if function.lines > FUNCTION_LINES_MAX and not source.excuses(function.first, 'function_length'):
            tree.report(source.path, function.first, 'function_length',
                        f'{function.lines} lines, at most {FUNCTION_LINES_MAX}: {function.head[:60]}')


def check_lines(tree, source):
    for number, line in enumerate(source.lines, 1):
        if len(line) > LINE_COLUMNS_MAX:
            tree.report(source.path, number, 'line_length', f'{len(line)} columns, at most {LINE_COLUMNS_MAX}')
        if line != line.rstrip():
            tree.report(source.path, number, 'whitespace', 'remove the space at the end of the line')
        if '\t' in line:
            tree.report(source.path, number, 'whitespace', 'indent with spaces')


def check_banned(tree, source):
    for number, line in enumerate(source.code.splitlines(), 1):
        for entry in BANNED:
            if source.layer in entry.allowed_in or (entry.headers_only and not source.is_header):
                continue
            if entry.pattern.search(line) and not source.excuses(number, entry.rule):
                tree.report(source.path, number, entry.rule, entry.instead)


def check_shared_ownership(tree, source):
    """At the edge a shared_ptr is possible, with a comment that names its two owners."""
    if source.layer not in EDGE or source.layer in ('tests', 'bench', 'examples'):
        return
    for number, line in enumerate(source.code.splitlines(), 1):
        nearby = ' '.join(source.lines[max(0, number - 4):number])
        if re.search(r'\bshared_ptr\s*<', line) and not re.search(r'//.*\b(?:[Oo]wn)', nearby):
            tree.report(source.path, number, 'shared_ptr', 'name its two owners in a comment, or use one owner and ids')


def check_awaits(tree, source):
    for line, complaint in style_lexer.awaits(source.code):
        tree.report(source.path, line, 'coroutine', complaint)


def includes(source):
    for number, line in enumerate(source.code.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if match:
            yield number, match.group(1), match.group(2)


def check_includes(tree, source):
    for number, quote, name in includes(source):
        complaint = public_complaint(source, name) if quote == '<' else layer_complaint(tree, source, name)
        if complaint and not source.excuses(number, 'include'):
            tree.report(source.path, number, 'include', complaint)


def public_complaint(source, name):
    if name.startswith('grapevine/') and source.layer not in OPEN_TO_PUBLIC_HEADERS:
        return f'layer {source.layer} is below the public headers and must not include <{name}>'
    return None


def layer_complaint(tree, source, name):
    first = name.split('/')[0]
    if source.layer == 'public' and (tree.root / 'include' / name).exists():
        return None
    if source.layer in ('public', 'examples'):
        return f'only <grapevine/...> and libraries here, not "{name}"'
    if '/' not in name or name.startswith('.'):
        return f'write the full path from src/, not "{name}"'
    if source.layer in ('tests', 'bench', 'cmake', 'interop') or first == source.layer:
        return None
    if first not in tree.allowed:
        return f'"{name}" is in no layer of cmake/Layers.cmake; libraries take <...>'
    if first not in tree.allowed.get(source.layer, set()):
        return f'layer {source.layer} must not include layer {first}'
    return None


def check_header(tree, source):
    if source.is_header and '#pragma once' not in source.code:
        tree.report(source.path, 1, 'pragma_once', 'begin headers with #pragma once')
    own = source.path.with_suffix('.hpp')
    if source.is_header or not own.exists() or source.layer in ('tests', 'bench', 'examples', 'cmake'):
        return
    first = next(includes(source), None)
    if first and not first[2].endswith(own.name):
        tree.report(source.path, first[0], 'own_header', f'include {own.name} first, so that it must stand alone')


def check_source(tree, path):
    source = Source(tree, path)
    for check in (check_lengths, check_lines, check_banned, check_shared_ownership, check_awaits, check_includes,
                  check_header):
        check(tree, source)


def check_places(tree, path):
    try:
        text = path.read_text(encoding='utf-8')
    except UnicodeDecodeError:
        return
    for number, line in enumerate(text.splitlines(), 1):
        for rule, pattern, message in PLACES:
            if pattern.search(line):
                tree.report(path, number, rule, message)


def check_readme(tree, folder):
    if not any(folder.rglob('*.[ch]pp')):
        return
    readme = folder / 'README.md'
    if not readme.exists():
        tree.report(readme, 1, 'readme', 'each folder says what it is, its API, invariants and bounds')
        return
    count = len(readme.read_text(encoding='utf-8').splitlines())
    if count > README_LINES_MAX:
        tree.report(readme, count, 'readme', f'{count} lines, at most {README_LINES_MAX}')


def check_file(tree, path):
    if path.suffix in TEXT_SUFFIXES:
        check_places(tree, path)
    if path.suffix in ('.cpp', '.hpp') and path.relative_to(tree.root).parts[0] in CODE_FOLDERS:
        check_source(tree, path)


def check_tree(tree):
    for path in tree.files():
        check_file(tree, path)
    layers = sorted(path for path in (tree.root / 'src').glob('*') if path.is_dir())
    for folder in layers + [tree.root / 'sim']:
        check_readme(tree, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--root', default=Path(__file__).resolve().parent.parent)
    parser.add_argument('files', nargs='*')
    arguments = parser.parse_args()
    tree = Tree(arguments.root)
    if arguments.files:
        for name in arguments.files:
            check_file(tree, Path(name).resolve())
    else:
        check_tree(tree)
    print(*tree.warnings, *tree.findings, sep='\n')
    print(f'style: {len(tree.findings)} findings, {len(tree.warnings)} warnings')
    return 1 if tree.findings else 0


if __name__ == '__main__':
    sys.exit(main())
