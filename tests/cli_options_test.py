#!/usr/bin/env python3
"""Every bad option, name, ticket, address, file: one line on stderr that names it, and the right exit code."""

import json
import os
import sys

import cli_support as cli

HEX = "ab" * 32
SCENARIOS = os.path.join(os.environ.get("GRAPEVINE_SOURCE_DIR", "."), "scenarios")
BAD = [  # words, exit code, how the line begins after "grapevine: "
    ([], 2, "command: is required"),
    (["fly"], 2, "fly: unknown command"),
    (["gosip"], 2, "gosip: unknown command; did you mean gossip?"),
    (["--wat"], 2, "--wat: unknown option"),
    (["key"], 2, "key: needs a verb"),
    (["key", "old"], 2, "key old: unknown command"),
    (["key", "show"], 2, "FILE: is required"),
    (["up", "--meshes", "0"], 2, "--meshes: '0' is not a number from 1 to 16"),
    (["up", "--meshes", "17"], 2, "--meshes: '17' is not a number from 1 to 16"),
    (["up", "--meshes", "two"], 2, "--meshes: 'two' is not a number"),
    (["up", "--meshes", "16", "--per-mesh", "broker=17"], 2, "--meshes, --per-mesh: 272 nodes, at most 256"),
    (["up", "--per-mesh", "broker"], 2, "--per-mesh: 'broker' is not TYPE=COUNT"),
    (["up", "--per-mesh", "broker=0"], 2, "--per-mesh: 'broker=0' is not TYPE=COUNT"),
    (["up", "--per-mesh", "Br=1"], 2, "--per-mesh: 'Br=1' is not TYPE=COUNT"),
    (["up", "--per-mesh", "a=1,a=2"], 2, "--per-mesh: 'a' is given twice"),
    (["up", "--per-mesh", ""], 2, "--per-mesh: must name a type"),
    (["up", "--for", "soon"], 2, "--for: 'soon' is no time"),
    (["up", "--for", "0s"], 2, "--for: '0s' is no time"),
    (["up", "--for", "99999999h"], 2, "--for: '99999999h' is no time"),
    (["up", "extra"], 2, "extra: unexpected argument"),
    (["up", "--meshes"], 2, "--meshes: needs a value"),
    (["up", "--json=yes"], 2, "--json: takes no value"),
    (["node", "--type", "broker"], 2, "--mesh: is required"),
    (["node", "--mesh", "m"], 2, "--type: is required"),
    (["node", "--mesh", "M", "--type", "t"], 2, "--mesh: 'M' is no name"),
    (["node", "--mesh", "m", "--type", "t", "--bind", "here"], 2, "--bind: "),
    (["node", "--mesh", "m", "--type", "t", "--seed", "endpointaaa"], 2, "--seed: "),
    (["node", "--mesh", "m", "--type", "t", "--staleness", "100", "--gossip-interval", "50"], 2, "--staleness: 100 ms"),
    (["node", "--mesh", "m", "--type", "t", "--sed", "x"], 2, "--sed: unknown option; did you mean --seed?"),
    (["gossip"], 2, "--topic: is required"),
    (["gossip", "--topic", "abc"], 2, "--topic: 'abc' is not 64 hex characters"),
    (["gossip", "--topic", HEX, "--join", "nonsense"], 2, "--join: "),
    (["gossip", "--topic", HEX, "--bind", "1.2.3.4"], 2, "--bind: "),
    (["listen", "--close-code", "-1"], 2, "--close-code: '-1' is not a number"),
    (["listen", "--close-reason", "x" * 300], 2, "--close-reason: longer than 256 bytes"),
    (["listen", "--alpn", ""], 2, "--alpn: must have 1 to 255 bytes"),
    (["listen", "--key", "/nonexistent/dir/key"], (1, 4, 5), ""),
    (["connect"], 2, "TICKET: is required"),
    (["connect", "endpoint"], 2, ""),
    (["connect", "x" * 9000], 2, ""),
    (["ticket", "show", "endpointabc"], 2, ""),
    (["completion", "csh"], 2, "SHELL: 'csh' is none of"),
    (["ls", "--data-dir", "/nonexistent"], 4, ""),
    (["ping", "a", "--count", "0"], 2, "--count: '0' is not a number"),
    (["status", "--timeout", "x"], 2, "--timeout: 'x' is not a number"),
    (["sim"], 2, "SCENARIO: is required; see grapevine sim --list"),
    (["sim", "a", "--seed", "x"], 2, "--seed: seeds 'x': want a number"),
    (["sim", "kill-eahc", "--scenarios", SCENARIOS], 4, f"SCENARIO: no 'kill-eahc' in {SCENARIOS}; did you mean kill-each?"),
    (["sim", "nothing-like-it", "--scenarios", SCENARIOS], 4, f"SCENARIO: no 'nothing-like-it' in {SCENARIOS}; see"),
    (["sim", "./absent.toml"], 4, "scenario ./absent.toml: "),
    (["sim", "--list", "--scenarios", "/nonexistent"], 4, "--scenarios: "),
    (["sim", "idle-18", "--scenarios", SCENARIOS, "--trace", "/nonexistent/t"], 1, "--trace: /nonexistent/t: "),
    (["up", "--json", "--json"], 2, "--json: given twice"),
    (["up", "--data-dir="], 2, "--data-dir: needs a value after '='"),
    (["up", "-m", "2"], 2, "-m: unknown option"),
    (["config", "--config", "/nonexistent.toml"], 1, "/nonexistent.toml: No such file"),
]


def bad_lines(home):
    for words, code, begins in BAD:
        got, out, err = cli.run(home, *words)
        wanted = code if isinstance(code, tuple) else (code,)
        assert got in wanted, f"{words}: exit code {got}, not {code}; {err!r}"
        assert out == "", f"{words}: something on stdout: {out!r}"
        assert err.startswith("grapevine: " + begins), f"{words}: {err!r}"
        assert err.count("\n") == 1 and err.endswith("\n"), f"{words}: not one line: {err!r}"


def help_everywhere(home):
    code, out, err = cli.run(home, "--help")
    assert code == 0 and err == ""
    names = [line.split("  ")[1] for line in out.split("Commands:\n")[1].split("\n\n")[0].splitlines()]
    assert len(names) >= 13, names
    for name in names:
        code, out, err = cli.run(home, *name.split(), "--help", env={"COLUMNS": "80"})
        assert code == 0 and err == "" and "Usage: grapevine" in out and "Exit codes:" in out, f"{name}: {out!r} {err!r}"
        assert max(map(len, out.splitlines())) <= 80, name


def version_says_wire(home):
    code, out, _ = cli.run(home, "--version")
    assert code == 0 and "commit" in out and "/iroh-gossip/1" in out and out.count("\n") == 1, out


def config_shows_origins(home):
    folder = home / ".config" / "grapevine"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('mesh = "from-file"\ntype = "from-file"\nstaleness_ms = 60000\n')
    code, out, err = cli.run(home, "config", "--json", "--type", "flagged", env={"MESH_STALENESS_MS": "70000"})
    assert code == 0, err
    rows = {row["key"]: row for row in json.loads(out)["settings"]}
    assert rows["mesh"]["value"] == ["from-file"] and rows["mesh"]["origin"].endswith("config.toml:1"), rows["mesh"]
    assert rows["type"]["value"] == ["flagged"] and rows["type"]["origin"] == "flag --type"
    assert rows["staleness_ms"]["value"] == ["70000"]
    assert rows["staleness_ms"]["origin"] == "environment MESH_STALENESS_MS"
    assert rows["gossip_interval_ms"]["origin"] == "default"


def config_refuses_unknown_keys(home):
    path = home / "c.toml"
    path.write_text('mesh = "m"\nmehs = "m"\n')
    code, _, err = cli.run(home, "config", "--config", path)
    assert code == 2 and err == f"grapevine: {path}:2: mehs: unknown key; did you mean mesh?\n", err
    path.write_text('mesh = [')
    code, _, err = cli.run(home, "config", "--config", path)
    assert code == 2 and err.startswith(f"grapevine: {path}:1: ") and err.count("\n") == 1, err


def unknown_variables_only_warn(home):
    code, _, err = cli.run(home, "config", env={"MESH_TYPO": "1"})
    assert code == 0 and err == "grapevine: warning: MESH_TYPO: no such setting, ignored\n", err
    code, _, err = cli.run(home, "config", env={"MESH_MDNS_ENABLE": "true"})
    assert code == 2 and "does not exist yet" in err, err


def keys_are_kept_well(home):
    path = home / "k"
    code, out, err = cli.run(home, "key", "new", path)
    assert code == 0 and len(out.strip()) == 64, err
    assert path.stat().st_mode & 0o777 == 0o600 and path.stat().st_size == 65
    assert cli.run(home, "key", "show", path)[1] == out
    before = path.read_bytes()
    code, _, err = cli.run(home, "key", "new", path)
    assert code == 1 and "exists; a key is never overwritten" in err and path.read_bytes() == before, err


def bad_key_files(home):
    path = home / "k"
    cli.run(home, "key", "new", path)
    good = path.read_text()
    for content in ("", good[:-2], good + "\n", "zz" + good[2:], good.strip()):
        path.write_text(content)
        code, out, err = cli.run(home, "key", "show", path)
        assert code in (1, 2) and out == "" and err.count("\n") == 1 and str(path) in err, (content, code, err)
        assert good[:16] not in err, "the secret is in the message"
    path.write_text(good)
    os.chmod(path, 0o644)
    code, _, err = cli.run(home, "key", "show", path)
    assert code in (1, 2, 5) and str(path) in err, (code, err)
    assert cli.run(home, "key", "show", home / "absent")[0] == 4


def scenarios_are_listed(home):
    code, out, err = cli.run(home, "sim", "--list", "--json", "--scenarios", SCENARIOS)
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and {row["name"] for row in rows} >= {"two-meshes", "kill-each"}, (code, out, err)
    assert all(row["title"] for row in rows)
    code, out, _ = cli.run(home, "sim", "--list", "--scenarios", SCENARIOS)
    assert code == 0 and out.startswith("SCENARIO") and len(out.splitlines()) == len(rows) + 1, out


def scenarios_run_and_repeat(home):
    runs = [cli.run(home, "sim", "leave", "--scenarios", SCENARIOS, "--json", seconds=60) for _ in range(2)]
    assert all(code == 0 for code, _, _ in runs), runs
    hashes = [json.loads(out.splitlines()[0]) for _, out, _ in runs]
    assert hashes[0]["trace_hash"] == hashes[1]["trace_hash"], hashes


def completion_is_shell(home):
    for shell in ("bash", "zsh", "fish"):
        code, out, _ = cli.run(home, "completion", shell)
        assert code == 0 and "gossip" in out and "grapevine" in out


if __name__ == "__main__":
    sys.exit(cli.main([bad_lines, help_everywhere, version_says_wire, config_shows_origins, config_refuses_unknown_keys,
                       unknown_variables_only_warn, keys_are_kept_well, bad_key_files, scenarios_are_listed, scenarios_run_and_repeat, completion_is_shell]))
