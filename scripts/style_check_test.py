#!/usr/bin/env python3
"""Tests of the style check: every rule has a sample that it must refuse and one that it must accept."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
import style_check  # noqa: E402
import style_lexer  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


def function_of(lines):
    return 'void long_one() {\n' + '    step();\n' * (lines - 2) + '}\n'


class SampleTree(unittest.TestCase):
    """A tree with the real layer table and one sample file."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = Path(self.folder.name).resolve()
        self.write('cmake/Layers.cmake', (ROOT / 'cmake/Layers.cmake').read_text())

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def rules(self, name, text):
        tree = style_check.Tree(self.root)
        style_check.check_file(tree, self.write(name, text))
        return [finding.split(': ')[1] for finding in tree.findings]

    def accepts(self, name, text):
        self.assertEqual(self.rules(name, text), [])

    def refuses(self, rule, name, text):
        self.assertIn(rule, self.rules(name, text))


class Includes(SampleTree):
    def test_layer_edges(self):
        self.accepts('src/membership/a.cpp', '#include "wire/gossip.hpp"\n')
        self.refuses('include', 'src/membership/a.cpp', '#include "broadcast/plumtree.hpp"\n')
        self.refuses('include', 'src/wire/a.cpp', '#include "telemetry/ledger.hpp"\n')
        self.refuses('include', 'src/base/a.hpp', '#pragma once\n#include "io/loop.hpp"\n')
        self.refuses('include', 'sim/a.cpp', '#include "io/loop.hpp"\n')
        self.accepts('src/apps/grapevine/up.cpp', '#include "sim/world.hpp"\n#include "apps/paths.hpp"\n')
        self.accepts('tests/up_test.cpp', '#include "io/loop.hpp"\n')

    def test_paths_are_full(self):
        self.refuses('include', 'src/wire/a.cpp', '#include "gossip.hpp"\n')
        self.refuses('include', 'src/wire/a.cpp', '#include "../base/ids.hpp"\n')
        self.refuses('include', 'src/wire/a.cpp', '#include "toml++/toml.h"\n')

    def test_commented_include_is_no_include(self):
        self.accepts('src/wire/a.cpp', '// #include "io/loop.hpp"\n')

    def test_public_headers(self):
        self.refuses('include', 'include/grapevine/node.hpp', '#pragma once\n#include "base/ids.hpp"\n')
        self.refuses('include', 'src/quic/a.cpp', '#include <grapevine/node.hpp>\n')
        self.accepts('src/apps/broker.cpp', '#include <grapevine/node.hpp>\n')

    def test_public_headers_may_quote_one_another(self):
        self.write('include/grapevine/loop.hpp', '#pragma once\n')
        self.accepts('include/grapevine/node.hpp', '#pragma once\n#include "grapevine/loop.hpp"\n')
        self.refuses('include', 'include/grapevine/node.hpp', '#pragma once\n#include "grapevine/inner.hpp"\n')

    def test_own_header_first(self):
        self.write('src/wire/a.hpp', '#pragma once\n')
        self.refuses('own_header', 'src/wire/a.cpp', '#include "base/ids.hpp"\n#include "wire/a.hpp"\n')
        self.accepts('src/wire/a.cpp', '#include "wire/a.hpp"\n#include "base/ids.hpp"\n')

    def test_pragma_once(self):
        self.refuses('pragma_once', 'src/wire/a.hpp', 'int f();\n')


class Lengths(SampleTree):
    def test_file(self):
        self.accepts('src/wire/a.cpp', 'int x;\n' * 800)
        self.refuses('file_length', 'src/wire/a.cpp', 'int x;\n' * 801)

    def test_function(self):
        self.accepts('src/wire/a.cpp', function_of(70))
        self.refuses('function_length', 'src/wire/a.cpp', function_of(71))
        self.refuses('function_length', 'src/wire/a.cpp', 'namespace a {\nclass B {\n' + function_of(71) + '};\n}\n')
        self.refuses('function_length', 'src/wire/a.cpp', 'A::A(int x) : x_{x}, y_{2}\n' + '{\n' * 1 + ';\n' * 70 + '}\n')
        self.accepts('src/wire/a.cpp', 'const std::array<int, 80> kTable = {\n' + '    1,\n' * 80 + '};\n')
        self.accepts('src/wire/a.cpp', 'namespace {\n' + function_of(40) + function_of(40) + '}\n')

    def test_braces_in_literals_and_directives(self):
        text = 'void f() {\n    g("{{{", \'{\', R"x({{)x");\n}\n#define OPEN {\n' + function_of(60) + function_of(60)
        self.accepts('src/wire/a.cpp', text)

    def test_lines(self):
        self.accepts('src/wire/a.cpp', '//' + 'é' * 118 + '\n')
        self.refuses('line_length', 'src/wire/a.cpp', '//' + 'x' * 119 + '\n')
        self.refuses('whitespace', 'src/wire/a.cpp', 'int x; \n')
        self.refuses('whitespace', 'src/wire/a.cpp', '\tint x;\n')


class Words(SampleTree):
    def test_refused(self):
        samples = (
            ('sleep', 'src/wire/a_test.cpp', 'std::this_thread::sleep_for(1s);'),
            ('sleep', 'tests/a_test.cpp', 'usleep(5);'),
            ('distribution', 'src/io/a.cpp', 'std::uniform_int_distribution<int> d;'),
            ('clock', 'src/paths/a.cpp', 'auto t = std::chrono::steady_clock::now();'),
            ('random', 'src/wire/a.cpp', 'std::random_device d;'),
            ('random', 'src/wire/a.cpp', 'int x = rand();'),
            ('thread', 'sim/a.cpp', 'std::mutex m;'),
            ('log', 'src/stack/a.cpp', 'std::cerr << 1;'),
            ('environment', 'src/node/a.cpp', 'auto x = std::getenv("X");'),
            ('shared_ptr', 'src/node/a.cpp', 'std::shared_ptr<int> p;'),
            ('shared_ptr', 'src/io/a.cpp', 'std::shared_ptr<int> p;'),
            ('assert', 'src/io/a.cpp', 'assert(x);'),
            ('unsafe_call', 'src/io/a.cpp', 'atoi(x);'),
            ('using_namespace', 'src/io/a.hpp', '#pragma once\nusing namespace std;'),
        )
        for rule, name, line in samples:
            with self.subTest(rule=rule, line=line):
                self.refuses(rule, name, line + '\n')

    def test_accepted(self):
        samples = (
            ('src/io/a.cpp', 'auto t = std::chrono::steady_clock::now();'),
            ('src/wire/a.cpp', '// No std::mutex and no rand() here, nor sleep(1).'),
            ('src/wire/a.cpp', 'const char* kText = "std::mutex rand()";'),
            ('src/wire/a.cpp', 'std::snprintf(b, n, "x"); int operand(int); static_assert(true);'),
            ('src/io/a.cpp', '// Owned by the loop and by the running handler.\nstd::shared_ptr<int> p;'),
            ('src/base/a.hpp', '#pragma once\nusing namespace std::chrono_literals;'),
            ('bench/a.cpp', 'std::this_thread::sleep_for(1s);'),
        )
        for name, text in samples:
            with self.subTest(text=text):
                self.accepts(name, text + '\n')

    def test_excuse_needs_a_reason(self):
        line = 'std::mutex m;\n'
        self.accepts('src/wire/a.cpp', '// style: allow thread, because the library below demands it\n' + line)
        self.refuses('thread', 'src/wire/a.cpp', '// style: allow thread\n' + line)
        self.refuses('thread', 'src/wire/a.cpp', '// style: allow clock, because of a wrong rule\n' + line)


class Coroutines(SampleTree):
    def test_refused(self):
        for statement in ('if (co_await f()) { g(); }', 'while (x && co_await f(a)) {}', 'switch (co_await f()) {}',
                          'co_await f({.a = s});', 'co_await g(Agg{a, b});', 'co_await spawn([t] { u(t); }, x);',
                          'auto r = co_await (b ? f() : g());', 'auto r = b ? co_await f() : g();',
                          'h(co_await f(), co_await g());'):
            with self.subTest(statement=statement):
                self.refuses('coroutine', 'src/io/a.cpp', 'Task t() {\n    ' + statement + '\n}\n')

    def test_accepted(self):
        for statement in ('auto r = co_await f(std::move(x));', 'co_await f(a, b);', 'if (ready) co_await f(a);',
                          'Request q{1}; auto r = co_await f(q); if (r) { g(); }'):
            with self.subTest(statement=statement):
                self.accepts('src/io/a.cpp', 'Task t() {\n    ' + statement + '\n}\n')


class Places(SampleTree):
    def test_machine_and_registry(self):
        self.refuses('machine_path', 'docs/a.md', 'see /' + 'work/main/x\n')
        self.refuses('registry_host', 'interop/a.toml', 'x = "https://registry.' + 'npm' + 'js.org/y"\n')
        self.accepts('docs/a.md', 'see docs/work/main.md and https://example.org\n')


class Readmes(SampleTree):
    def findings(self):
        tree = style_check.Tree(self.root)
        style_check.check_tree(tree)
        return [finding.split(': ')[1] for finding in tree.findings]

    def test_required_and_short(self):
        self.write('src/wire/a.cpp', 'int x;\n')
        self.assertEqual(self.findings(), ['readme'])
        self.write('src/wire/README.md', 'line\n' * 40)
        self.assertEqual(self.findings(), [])
        self.write('src/wire/README.md', 'line\n' * 41)
        self.assertEqual(self.findings(), ['readme'])

    def test_empty_folder_needs_none(self):
        self.write('src/chaos/CMakeLists.txt', 'grapevine_layer(chaos)\n')
        self.assertEqual(self.findings(), [])

    def test_exit_code(self):
        command = [sys.executable, str(ROOT / 'scripts/style_check.py'), '--root', str(self.root)]
        self.assertEqual(subprocess.run(command, capture_output=True, check=False).returncode, 0)
        self.write('src/wire/a.cpp', 'int x; \n')
        self.assertEqual(subprocess.run(command, capture_output=True, check=False).returncode, 1)


class Lexer(unittest.TestCase):
    def test_positions_survive(self):
        text = 'int a; // x {\n/* {\n{ */ int b = 1\'000; // "\nchar c = \'"\';\n'
        code = style_lexer.code_only(text)
        self.assertEqual(len(code), len(text))
        self.assertNotIn('{', code)
        self.assertIn('1\'000', code)

    def test_functions_are_found_where_they_start(self):
        code = style_lexer.code_only('namespace a {\n\ntemplate <class T>\nauto f(T x) -> int {\n    return x;\n}\n}\n')
        found = style_lexer.functions(code)
        self.assertEqual([(one.first, one.last) for one in found], [(3, 6)])


if __name__ == '__main__':
    unittest.main()
