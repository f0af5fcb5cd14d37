"""Gets the peers ready: the Rust gossip node through cargo, the iroh endpoint through npm, the collector through go.

Everything is built in the cache folder, never in the source tree. A peer that cannot be had (no tool, tool too old,
registry out of reach) is Unavailable and its scenarios are skipped; a peer that does not build is a Failure.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from harness import Failure, die_with_parent

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "grapevine"
TARGET = CACHE / "interop-target"
CARGO_MIN, NODE_MIN, GO_MIN = (1, 91), (20, 3), (1, 26)
TOOL_FOLDERS = (str(Path.home() / ".cargo/bin"), "/usr/local/go/bin")


class Unavailable(Exception):
    """Why a peer cannot be had on this machine."""


def say(text):
    print(f"interop: {text}", file=sys.stderr, flush=True)


def tool(name, minimum, version="--version"):
    """The tool's path, if its version is at least `minimum`."""
    path = shutil.which(name) or shutil.which(name, path=os.pathsep.join(TOOL_FOLDERS))
    if not path:
        raise Unavailable(f"{name} is not installed")
    text = subprocess.run([path, version], capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+)\.(\d+)", text)
    if not found or tuple(map(int, found.groups())) < minimum:
        raise Unavailable(f"{name} is too old ({text.strip()}; {minimum[0]}.{minimum[1]} is needed)")
    return path


def digest_of(files):
    total = hashlib.sha256()
    for file in sorted(files):
        total.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return total.hexdigest()


def stamped(stamp, digest, product):
    return product.exists() and stamp.exists() and stamp.read_text() == digest


def copy_changed(source, target):
    """Copies only what differs, so that cargo does not rebuild for new timestamps."""
    for file in (f for f in source.rglob("*") if f.is_file() and f.name != "Cargo.lock" and "target" not in f.parts):
        goal = target / file.relative_to(source)
        goal.parent.mkdir(parents=True, exist_ok=True)
        if not goal.exists() or goal.read_bytes() != file.read_bytes():
            shutil.copyfile(file, goal)


def logged(command, cwd, log, **variables):
    with open(log, "wb") as out:
        env = dict(os.environ, CARGO_TARGET_DIR=str(TARGET), CARGO_TERM_COLOR="never", **variables)
        return subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                              preexec_fn=die_with_parent, check=False).returncode == 0


def tail(log):
    return " | ".join(Path(log).read_text(errors="replace").strip().splitlines()[-4:])[:600]


def gossip_peer():
    """Path of the Rust node, built on first use (some minutes) or when its sources changed."""
    source, work, log = HERE / "gossip-peer", CACHE / "interop-src" / "gossip-peer", CACHE / "gossip-peer.log"
    binary, stamp = TARGET / "debug" / "gossip-peer", work / "built"
    digest = digest_of([source / "Cargo.toml", *source.glob("src/*.rs")])
    if stamped(stamp, digest, binary):
        return binary
    cargo = tool("cargo", CARGO_MIN)
    copy_changed(source, work)
    if not logged([cargo, "fetch"], work, log):
        raise Unavailable(f"cargo cannot fetch the crates: {tail(log)}")
    say("building the Rust gossip peer (the first time takes about four minutes)")
    jobs = str(max(1, (os.cpu_count() or 2) - 1))
    if not logged(["nice", "-n", "19", cargo, "build", "--offline", "-j", jobs], work, log):
        raise Failure(f"the Rust gossip peer does not build: {tail(log)}")
    stamp.write_text(digest)
    return binary


def iroh_peer():
    """Command of the iroh endpoint: node and the script, installed on first use."""
    source, work, log = HERE / "iroh-peer", CACHE / "interop-npm", CACHE / "iroh-peer.log"
    node = tool("node", NODE_MIN)
    script, stamp = work / "iroh-peer.mjs", work / "installed"
    digest = digest_of([source / "package.json"])
    copy_changed(source, work)
    if not stamped(stamp, digest, work / "node_modules" / "@number0" / "iroh"):
        npm = tool("npm", (7, 0))
        say("installing the iroh endpoint with npm")
        command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"]
        if not logged(command, work, log):
            raise Unavailable(f"npm cannot install @number0/iroh: {tail(log)}")
        stamp.write_text(digest)
    return [node, str(script)]


def otel_collector():
    """Path of the OpenTelemetry Collector, built on first use (some minutes) or when its list of modules changed."""
    source, work, log = HERE / "otel-collector", CACHE / "interop-src" / "otel-collector", CACHE / "otel-collector.log"
    binary, stamp = work / "otel-collector", work / "built"
    digest = digest_of([source / "main.go", source / "go.mod", source / "go.sum"])
    if stamped(stamp, digest, binary):
        return binary
    go = tool("go", GO_MIN, version="version")
    copy_changed(source, work)
    settings = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false -trimpath"}
    if not logged([go, "list", "-deps", "-f", "{{with .Error}}{{.}}{{end}}", "."], work, log, **settings):
        raise Unavailable(f"go cannot fetch the collector's modules: {tail(log)}")
    say("building the OpenTelemetry Collector (the first time takes about three minutes)")
    jobs = str(max(1, (os.cpu_count() or 2) - 1))
    command = ["nice", "-n", "19", go, "build", "-p", jobs, "-ldflags=-s -w", "-o", str(binary), "."]
    if not logged(command, work, log, GOPROXY="off", **settings):
        raise Failure(f"the OpenTelemetry Collector does not build: {tail(log)}")
    stamp.write_text(digest)
    return binary
