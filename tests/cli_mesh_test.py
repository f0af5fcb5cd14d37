#!/usr/bin/env python3
"""`grapevine mesh`: authorities, tickets and lists of revocations, made, shown and refused offline."""

import json
import os
import sys

import cli_support as cli

NODE = "ab" * 32
OTHER = "cd" * 32


def create(home, name="mesh1", folder="."):
    code, out, err = cli.run(home, "mesh", "create", name, "--out", home / folder)
    assert code == 0, err
    return home / folder / f"{name}.authority", out.strip()


def admit(home, authority, *words):
    code, out, err = cli.run(home, "mesh", "admit", "--authority", authority, *words)
    assert code == 0, err
    return out


def show(home, file, *words):
    """(exit code, the object of --json or None, stderr)."""
    code, out, err = cli.run(home, "mesh", "show", file, *words, "--json")
    return code, json.loads(out) if out else None, err


def an_authority_is_private_and_never_overwritten(home):
    file, ident = create(home)
    assert file.stat().st_mode & 0o777 == 0o600 and len(ident) == 64
    before = file.read_bytes()
    code, out, err = cli.run(home, "mesh", "create", "mesh1", "--out", home)
    assert code == 1 and out == "" and "exists; an authority is never overwritten" in err, err
    assert file.read_bytes() == before
    assert show(home, file)[1] == {"kind": "authority", "mesh": "mesh1", "authority": ident, "holds": True}
    assert before.split()[-1].decode() not in cli.run(home, "mesh", "show", file)[1], "the secret is shown"


def bad_authority_files_have_causes_of_their_own(home):
    file, _ = create(home)
    good = file.read_bytes()
    admit_it = ("mesh", "admit", "--authority", file, "--id", NODE, "--for", "1d")
    os.chmod(file, 0o640)
    code, out, err = cli.run(home, *admit_it)
    assert code == 5 and out == "" and "its mode must be 0600" in err, err
    os.chmod(file, 0o600)
    for length in range(0, len(good), 7):
        file.write_bytes(good[:length])
        code, out, err = cli.run(home, *admit_it)
        assert code == 2 and out == "" and err.startswith(f"grapevine: authority file '{file}': "), (length, err)
    file.unlink()
    assert cli.run(home, *admit_it)[0] == 4


def a_ticket_says_whom_it_admits(home):
    file, ident = create(home)
    text = admit(home, file, "--id", NODE, "--types", "gateway,broker", "--until", "2199-01-01")
    assert text.startswith("admit") and text.count("\n") == 1
    code, seen, err = show(home, text.strip())
    assert code == 0, err
    serial = seen.pop("serial")
    assert serial.isdigit() and seen == {"kind": "ticket", "mesh": "mesh1", "id": NODE, "use": "member",
                                         "types": ["broker", "gateway"], "expires": "2199-01-01T00:00:00Z",
                                         "authority": ident, "holds": True}
    lines = cli.run(home, "mesh", "show", text.strip())[1]
    assert "holds      yes" in lines and "broker, gateway" in lines, lines
    out = admit(home, file, "--id", NODE, "--use", "visitor", "--for", "30d", "--out", home / "t")
    assert out.startswith("serial ") and show(home, home / "t")[1]["use"] == "visitor", out


def a_ticket_that_does_not_hold_says_why(home):
    file, ident = create(home)
    (home / "foreign").mkdir()
    foreign, foreign_id = create(home, "mesh1", "foreign")
    ticket = home / "t"
    admit(home, file, "--id", NODE, "--types", "broker", "--for", "1h", "--out", ticket)
    assert show(home, ticket, "--authority", ident, "--id", NODE, "--type", "broker")[0] == 0
    assert show(home, ticket, "--authority", file)[0] == 0
    for words, code, why in [(("--authority", foreign_id), 1, "foreign_authority"),
                             (("--authority", foreign), 1, "foreign_authority"),
                             (("--id", OTHER), 3, "other_node"), (("--mesh", "mesh2"), 3, "other_mesh"),
                             (("--type", "gateway"), 3, "wrong_type")]:
        got, seen, err = show(home, ticket, *words)
        assert got == code and seen["holds"] is False and seen["why"] == why, (words, got, seen, err)
    cli.run(home, "mesh", "revoke", "--authority", file, "--list", home / "l", ticket)
    got, seen, _ = show(home, ticket, "--list", home / "l")
    assert got == 3 and seen["why"] == "revoked", seen
    assert "no: ticket " in cli.run(home, "mesh", "show", ticket, "--list", home / "l")[1]


def cut_and_altered_tickets_are_no_tickets(home):
    file, _ = create(home)
    ticket = home / "t"
    good = admit(home, file, "--id", NODE, "--for", "1h").strip()
    for length in range(0, len(good), 23):
        ticket.write_text(good[:length])
        code, seen, err = show(home, ticket)
        assert code == 2 and seen is None and err.count("\n") == 1 and str(ticket) in err, (length, code, err)
    for at in range(6, len(good), 31):
        letter = "b" if good[at] != "b" else "c"
        ticket.write_text(good[:at] + letter + good[at + 1:])
        assert show(home, ticket)[0] == 2, at
    assert show(home, home / "absent")[0] == 4


def a_list_has_versions_and_a_bound(home):
    file, ident = create(home)
    path = home / "l"
    revoke = ("mesh", "revoke", "--authority", file, "--list", path)
    assert cli.run(home, *revoke, "7", "9")[1] == "version 1, 2 of 256 revoked\n"
    ticket = admit(home, file, "--id", NODE, "--for", "1h").strip()
    code, out, err = cli.run(home, *revoke, ticket, "7", "--json")
    assert code == 0 and json.loads(out)["version"] == "2" and json.loads(out)["revoked"] == 3, (out, err)
    code, seen, _ = show(home, path, "--authority", ident)
    assert code == 0 and seen["kind"] == "revocations" and [row["serial"] for row in seen["revoked"]][:2] == ["7", "9"]
    for first in range(100, 400, 64):
        code, _, err = cli.run(home, *revoke, *range(first, first + 64))
        if code != 0:
            break
    assert code == 1 and "revoked tickets where 256 are allowed" in err, err
    before = path.read_bytes()
    other, _ = create(home, "mesh2")
    code, _, err = cli.run(home, "mesh", "revoke", "--authority", other, "--list", path, "5")
    assert code == 1 and "is of authority" in err and path.read_bytes() == before, err
    code, _, err = cli.run(home, *revoke, admit(home, other, "--id", NODE, "--for", "1h").strip())
    assert code == 1 and "is of authority" in err, err
    path.write_bytes(before[:-9])
    assert cli.run(home, *revoke, "5")[0] == 2


def bad_words_are_named(home):
    file, _ = create(home)
    for words, begins in [
            (("create", "Mesh"), "NAME: 'Mesh' is no name"),
            (("admit", "--id", NODE, "--for", "1d"), "--authority: is required"),
            (("admit", "--authority", file, "--for", "1d"), "--id: is required"),
            (("admit", "--authority", file, "--id", "xy", "--for", "1d"), "--id: "),
            (("admit", "--authority", file, "--id", NODE), "--for, --until: one of them is required"),
            (("admit", "--authority", file, "--id", NODE, "--for", "1d", "--until", "2199-01-01"), "--for, --until: "),
            (("admit", "--authority", file, "--id", NODE, "--for", "1y"), "--for: '1y' is no time"),
            (("admit", "--authority", file, "--id", NODE, "--until", "tomorrow"), "--until: 'tomorrow' is no time"),
            (("admit", "--authority", file, "--id", NODE, "--until", "2001-01-01"), "ticket for node abababab"),
            (("admit", "--authority", file, "--id", NODE, "--use", "guest", "--for", "1d"), "--use: 'guest' is none of"),
            (("admit", "--authority", file, "--id", NODE, "--types", "a,B", "--for", "1d"), "ticket for node abababab"),
            (("admit", "--authority", file, "--id", NODE, "--mesh", "M", "--for", "1d"), "ticket for node abababab"),
            (("revoke", "--authority", file, "7"), "--list: is required"),
            (("revoke", "--authority", file, "--list", home / "l"), "SERIAL"),
            (("revoke", "--authority", file, "--list", home / "l", "99999999999999999999"), "SERIAL: '9999"),
            (("show", file, "--authority", "nobody"), "--authority: 'nobody' is neither"),
    ]:
        code, out, err = cli.run(home, "mesh", *words)
        assert code == 2 and out == "" and err.startswith("grapevine: " + begins) and err.count("\n") == 1, (words, code, err)


if __name__ == "__main__":
    sys.exit(cli.main([an_authority_is_private_and_never_overwritten, bad_authority_files_have_causes_of_their_own,
                       a_ticket_says_whom_it_admits, a_ticket_that_does_not_hold_says_why,
                       cut_and_altered_tickets_are_no_tickets, a_list_has_versions_and_a_bound, bad_words_are_named]))
