#!/usr/bin/env python3
"""scripts/flamegraph: what perf says is folded right, the picture is in proportion and safe, errors are one line."""

import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts/flamegraph"
SVG = "{http://www.w3.org/2000/svg}"
sys.path.insert(0, str(ROOT / "scripts/lib"))
import flamegraph  # noqa: E402
import flamegraph_svg  # noqa: E402

PERF_SCRIPT = """\
broker 100/101 
	ffffffff81000130 entry_SYSCALL_64_after_hwframe ([kernel.kallsyms])
	          10ac4d __libc_sendmsg (/usr/lib/x86_64-linux-gnu/libc.so.6)
	           7b60e grapevine::io::(anonymous namespace)::send (/bin/broker (deleted))
	           109ab _start (/bin/broker)

two words 7/8 
	           31d17 [unknown] (/usr/lib/libnettle.so.8.6)
	           31d19 [unknown] (/usr/lib/libnettle.so.8.6)
	43c89c6fffffffff [unknown] ([unknown])

broker 100/102 
	           42 std::function<void (int)>::operator() (/bin/broker)
	           109ab clone3 (/usr/lib/libc.so.6)

broker 100/102 

"""
HOSTILE = ('</title><script>alert(1)</script>', '" onload="alert(1)', "]]>&amp;'\x01\x1b[31m\ud800", "a;b\u202e<",
           "operator<")


class Drawn:
    """The boxes of an SVG by the first line of their titles: (x, width, the whole title)."""

    def __init__(self, stacks, title="a title"):
        self.text = flamegraph_svg.draw(stacks, title)
        self.root = ElementTree.fromstring(self.text.encode())
        self.boxes = {}
        for group in self.root.iter(SVG + "g"):
            title, box = group.find(SVG + "title").text, group.find(SVG + "rect")
            self.boxes[title.split("\n")[0]] = (float(box.get("x")), float(box.get("width")), title, box)

    def width(self, name):
        return self.boxes[name][1]


class Folding(unittest.TestCase):
    def setUp(self):
        self.folded = flamegraph.fold(PERF_SCRIPT.splitlines(keepends=True))

    def test_each_sample_is_one_stack_from_the_outermost_frame_in(self):
        self.assertEqual(self.folded.stacks, Counter({
            ("broker", "_start", "grapevine::io::(anonymous namespace)::send", "__libc_sendmsg_[l]",
             "entry_SYSCALL_64_after_hwframe_[k]"): 1,
            ("two words", "[unknown]", "[libnettle.so.8.6]_[l]"): 1,
            ("broker", "clone3_[l]", "std::function<void (int)>::operator()"): 1,
            ("broker",): 1}))

    def test_a_stack_is_whole_if_it_reaches_the_begin_of_a_thread(self):
        self.assertEqual((self.folded.samples, self.folded.whole), (4, 2))

    def test_folded_text_is_one_stack_a_line(self):
        text = flamegraph.folded_text(Counter({("b", "f g"): 2, ("a",): 1}))
        self.assertEqual(text, "a 1\nb;f g 2\n")

    def test_a_semicolon_in_a_name_is_no_border(self):
        self.assertEqual(flamegraph.frame_name("a;b", "/bin/x"), "a:b")

    def test_recursion_counts_once_in_the_inclusive_share(self):
        own, inclusive = flamegraph.shares(Counter({("t", "f", "g", "f"): 3, ("t", "g"): 1}))
        self.assertEqual((own, inclusive), (Counter(f=3, g=1), Counter(f=3, g=4)))


class Drawing(unittest.TestCase):
    STACKS = Counter({("t", "main", "left"): 10, ("t", "main", "right"): 30, ("t", "main"): 40, ("u", "other"): 20})

    def test_widths_are_in_proportion_to_samples(self):
        drawn = Drawn(self.STACKS)
        whole = drawn.width("all")
        for name, share in (("t", 0.8), ("main", 0.8), ("left", 0.1), ("right", 0.3), ("u", 0.2), ("other", 0.2)):
            self.assertAlmostEqual(drawn.width(name) / whole, share, places=4, msg=name)

    def test_callees_stand_upon_their_caller_side_by_side(self):
        boxes = Drawn(self.STACKS).boxes
        main, left, right = boxes["main"], boxes["left"], boxes["right"]
        self.assertEqual(main[0], left[0])
        self.assertAlmostEqual(left[0] + left[1], right[0], places=1)
        for callee in (left, right):
            self.assertLess(int(callee[3].get("y")), int(main[3].get("y")))
            self.assertLessEqual(callee[0] + callee[1], main[0] + main[1] + 0.01)

    def test_titles_give_samples_and_shares(self):
        boxes = Drawn(self.STACKS).boxes
        self.assertEqual(boxes["right"][2], "right\n30 samples, 30.00%; itself 30, 30.00%")
        self.assertEqual(boxes["main"][2], "main\n80 samples, 80.00%; itself 40, 40.00%")

    def test_what_is_too_narrow_to_see_is_left_out(self):
        drawn = Drawn(Counter({("t", "wide"): 1000000, ("t", "narrow"): 1}))
        self.assertIn("wide", drawn.boxes)
        self.assertNotIn("narrow", drawn.boxes)

    def test_hostile_names_stay_text(self):
        plain, drawn = Drawn(self.STACKS), Drawn(Counter({("t", name): 10 for name in HOSTILE}), title=HOSTILE[0])
        for name in HOSTILE:
            self.assertIn(flamegraph_svg.clean(name), drawn.boxes)
        self.assertEqual(len(list(drawn.root.iter(SVG + "script"))), 1)
        tags = Counter(node.tag for node in drawn.root.iter())
        self.assertEqual(set(tags), {node.tag for node in plain.root.iter()})
        attributes = {name for node in drawn.root.iter() for name in node.attrib}
        self.assertEqual([name for name in attributes if name.startswith("on")], [])

    def test_it_needs_nothing_from_elsewhere(self):
        text = Drawn(self.STACKS).text.replace("http://www.w3.org/2000/svg", "")
        self.assertIsNone(re.search(r"https?:|href|@import|url\(", text))

    def test_a_deep_stack_is_drawn(self):
        drawn = Drawn(Counter({tuple(f"f{i}" for i in range(5000)): 1}))
        self.assertEqual(drawn.width("f4999"), drawn.width("all"))


class Names(unittest.TestCase):
    def test_short_names(self):
        for name, short in (("grapevine::io::(anonymous namespace)::send", "grapevine::io::send"),
                            ("std::map<int, std::vector<char> >::find_[l]", "std::map<>::find"),
                            ("std::function<void (int)>::operator()", "std::function<>::operator()"),
                            ("f(int)::{lambda(char)#1}::operator()_[k]", "f::{lambda#1}::operator()"),
                            ("operator<< <char>", "operator<< <>"), ("a::operator->", "a::operator->"),
                            ("[libngtcp2.so.16]_[l]", "[libngtcp2.so.16]"), ("odd>name<", "odd>name<")):
            self.assertEqual(flamegraph_svg.short_name(name), short)

    def test_a_label_fits_its_box(self):
        for width in range(0, 200):
            label = flamegraph_svg.fitted("grapevine::quic", width)
            self.assertLessEqual(len(label) * flamegraph_svg.CHARACTER, max(0, width - 6))


class Program(unittest.TestCase):
    """The script itself."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_script(self, *words, env=None):
        return subprocess.run([SCRIPT, *map(str, words)], capture_output=True, text=True, timeout=120, check=False,
                              cwd=self.folder, env=dict(os.environ, **(env or {})))

    def refuses(self, code, pattern, *words, env=None):
        done = self.run_script(*words, env=env)
        last = done.stderr.splitlines()[-1] if done.stderr else ""
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(last, f"^flamegraph: .*{pattern}")

    def tools(self, *programs):
        """A PATH with what the script needs, and these programs in place of perf."""
        folder = self.folder / "bin"
        folder.mkdir()
        for name in ("bash", "readlink", "dirname", "basename", "mktemp", "rm", "cat", "tr", "grep", "tail", "python3",
                     "du", "cut", "sleep", "timeout", "awk"):
            os.symlink(subprocess.check_output(["which", name], text=True).strip(), folder / name)
        for name, text in programs:
            (folder / name).write_text(f"#!/bin/bash\n{text}\n")
            (folder / name).chmod(0o755)
        return {"PATH": str(folder)}

    def test_usage(self):
        done = self.run_script("--help")
        self.assertEqual((done.returncode, done.stdout.count("Usage:")), (0, 1))
        for words in ((), ("--pid", "x"), ("--pid",), ("--bogus",), ("true",), ("--",), ("--cluster=x",),
                      ("--seconds", "0", "--pid", "1"), ("--pid", "1", "--cluster"), ("--frequency=9e9", "--pid", "1")):
            self.refuses(2, "--help$", *words)

    def test_no_perf(self):
        self.refuses(1, "there is no perf; apt-get install linux-perf$", "--pid", os.getpid(), env=self.tools())

    def test_no_permission(self):
        env = self.tools(("perf", "echo 'perf_event_paranoid setting is 4' >&2; exit 255"))
        self.refuses(1, "no permission to record; .*perf_event_paranoid", "--pid", os.getpid(), env=env)

    def test_no_samples(self):
        perf = 'while [[ $1 != --output && $# != 0 ]]; do shift; done; if [[ $# != 0 ]]; then echo x >"$2"; fi'
        env = self.tools(("perf", perf))
        self.refuses(1, "no samples", "--pid", os.getpid(), "--seconds", "1", env=env)

    def test_no_such_target(self):
        tools = self.tools(("perf", "exit 1"))
        self.refuses(1, "there is no process 4194303$", "--pid", "4194303", env=tools)
        self.refuses(1, "there is no process 4194303$", "--cluster=4194303", env=tools)
        self.refuses(1, f"process {os.getpid()} runs no nodes$", f"--cluster={os.getpid()}", env=tools)
        self.refuses(1, "nosuchcommand: no such command$", "--", "nosuchcommand", env=tools)
        self.refuses(1, "cannot be written$", "--output", "no/such/folder.svg", "--pid", os.getpid(), env=tools)

    def test_a_real_recording_finds_the_function_that_burns(self):
        probe = ["perf", "record", "-q", "-e", "cpu-clock", "-o", self.folder / "probe", "--", "true"]
        try:
            if subprocess.run(probe, capture_output=True, check=False).returncode != 0:
                self.skipTest("perf may not record here")
        except FileNotFoundError:
            self.skipTest("there is no perf")
        burn = "import hashlib\nfor i in range(300): hashlib.sha256(bytes(1 << 20)).digest()"
        done = self.run_script("--output", "burn.svg", "--folded", "burn.folded", "--top", "5", "--", sys.executable,
                               "-c", burn)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?s)self  samples  frame\n.*inclusive  samples  frame\n")
        total = int(re.search(r"burn\.svg: (\d+) samples", done.stderr)[1])
        lines = (self.folder / "burn.folded").read_text().splitlines()
        self.assertEqual(sum(int(line.rsplit(" ", 1)[1]) for line in lines), total)
        hashing = sum(int(line.rsplit(" ", 1)[1]) for line in lines if re.search("sha|crypto|hash", line, re.I))
        self.assertGreater(hashing, total / 2)
        ElementTree.parse(self.folder / "burn.svg")
        self.assertEqual(list(Path(tempfile.gettempdir()).glob("grapevine-flamegraph-*/perf.data")), [])


if __name__ == "__main__":
    unittest.main()
