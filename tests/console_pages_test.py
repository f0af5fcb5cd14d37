#!/usr/bin/env python3
"""The console's pages in a headless Chromium, against two meshes of nine that `up` brings: every page and every action, as
web/e2e does them. Skipped where the pages were not built or no Chromium is installed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cli_support as cli

ROOT = Path(__file__).resolve().parent.parent
PAGES = cli.BIN.parent / "share" / "grapevine" / "console" / "index.html"
CHROMIUM = shutil.which("chromium")


def every_page_and_action(home):
    with cli.Program(home, "up", "--json", "--produce", "5") as up:
        url, _, token = json.loads(up.line(90))["console"].partition("/#token=")
        env = dict(os.environ, GRAPEVINE_CONSOLE=url, GRAPEVINE_TOKEN=token, CHROMIUM=CHROMIUM, HOME=str(home))
        done = subprocess.run(["node", "e2e/run.mjs"], cwd=ROOT / "web", env=env, stdin=subprocess.DEVNULL,
                              timeout=420 * cli.SLOW, check=False)
        assert done.returncode == 0, "parts failed"
        assert up.end() == 0


if __name__ == "__main__":
    if not PAGES.exists() or CHROMIUM is None:
        print("no pages, or no chromium")
        sys.exit(77)
    sys.exit(cli.main([every_page_and_action]))
