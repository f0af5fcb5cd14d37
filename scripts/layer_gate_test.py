#!/usr/bin/env python3
"""Tests that CMake itself refuses an edge or a library that cmake/Layers.cmake does not allow."""

import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = '''cmake_minimum_required(VERSION 3.25)
include({root}/cmake/Layers.cmake)
grapevine_check_edges({edges})
'''


def configure(edges):
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / 'gate.cmake'
        script.write_text(PROJECT.format(root=ROOT, edges=edges))
        return subprocess.run(['cmake', '-P', str(script)], capture_output=True, text=True, check=False)


class LayerGate(unittest.TestCase):
    def test_allowed(self):
        self.assertEqual(configure('membership "base;wire" ""').returncode, 0)
        self.assertEqual(configure('quic "base" "ngtcp2"').returncode, 0)

    def test_refused_layer(self):
        for edges in ('membership "broadcast" ""', 'quic "node" ""', 'sim "io" ""', 'base "wire" ""'):
            with self.subTest(edges=edges):
                result = configure(edges)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn('must not depend on', result.stderr)

    def test_refused_library(self):
        result = configure('membership "base" "asio"')
        self.assertNotEqual(result.returncode, 0)
        self.assertIn('must not use library', result.stderr)


if __name__ == '__main__':
    unittest.main()
