#!/usr/bin/env python3
"""`grapevine console` on an address that is not loopback: it speaks TLS alone, and shows nothing to whoever lacks the token.
In a network namespace of its own, whose loopback has such an address."""

import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import cli_support as cli
import tls_support

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
import netns  # noqa: E402

ADDRESS, NAME = "192.0.2.7", "console.example"  # RFC 5737, RFC 2606.


class Browser:
    """Trusts the certificate, and keeps a cookie."""

    def __init__(self, link, certificate):
        self.url, _, self.token = link.partition("/#token=")
        self.host = self.url.removeprefix("https://")
        self.port = int(self.host.rpartition(":")[2])
        self.context = ssl.create_default_context(cafile=str(certificate))
        self.cookie = None

    def connect(self, seconds=20):
        raw = socket.create_connection((ADDRESS, self.port), seconds * cli.SLOW)
        return self.context.wrap_socket(raw, server_hostname=self.host.rpartition(":")[0])

    def ask(self, path, method="GET", body=None, **headers):
        connection = http.client.HTTPConnection(ADDRESS, self.port)
        connection.sock = self.connect()
        try:
            sent = {"Host": self.host, "Cookie": self.cookie, **{k.replace("_", "-"): v for k, v in headers.items()}}
            connection.request(method, path, body=body, headers={k: v for k, v in sent.items() if v is not None})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def bearer(self):
        return f"Bearer {self.token}"

    def session(self):
        return self.ask("/api/session", "POST", "{}", Content_Type="application/json", Origin=self.url,
                        Authorization=self.bearer())


def console(home, certificate, key, *words):
    return cli.Program(home, "console", "--listen", f"{ADDRESS}:0", "--tls-cert", certificate, "--tls-key", key,
                       "--store", home / "console", "--json", *words)


def serves_whoever_has_the_token(home):
    certificate, key = tls_support.self_signed(home, [NAME], [socket.inet_aton(ADDRESS)])
    with console(home, certificate, key) as program:
        ready = program.event("ready")
        assert ready["url"].startswith(f"https://{ADDRESS}:"), ready
        browser = Browser(ready["link"], certificate)
        for path in ("/api/world", "/api/live", "/api/traces", "/metrics", "/api/openapi.json"):
            code, _, headers = browser.ask(path)
            assert code == 401 and headers["WWW-Authenticate"] == "Bearer", (path, code)
            assert browser.ask(path, Authorization="Bearer " + "0" * 64)[0] == 401
        assert browser.ask("/v1/traces", "POST", "{}", Content_Type="application/json")[0] == 401
        for path in ("/healthz", "/readyz", "/"):
            assert browser.ask(path)[0] in (200, 404), path
        code, body, _ = browser.ask("/api/world", Authorization=browser.bearer())
        assert code == 200 and json.loads(body)["fabric"] == "default"

        code, body, headers = browser.session()
        assert code == 200, (code, body)
        cookie = headers["Set-Cookie"]
        assert all(word in cookie for word in ("; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/")), cookie
        assert browser.token not in cookie
        browser.cookie = cookie.split(";")[0]
        assert browser.ask("/api/world")[0] == 200
        with browser.connect() as live:
            live.sendall(f"GET /api/live HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {browser.cookie}\r\n\r\n".encode())
            text = b""
            while b"event: " not in text:
                more = live.recv(4096)
                assert more, text
                text += more
            assert text.startswith(b"HTTP/1.1 200"), text
        code, _, _ = browser.ask("/api/spawn", "POST", '{"mesh":"m","type":"broker"}', Content_Type="application/json",
                                 Origin=browser.url)
        assert code == 401, "a session looks, and no more"
        for host in (f"127.0.0.1:{browser.port}", f"localhost:{browser.port}", f"{NAME}:{browser.port}", "evil.example"):
            assert browser.ask("/api/world", Host=host)[0] == 403, host
        assert program.end() == 0
        assert browser.token not in program.errors()


def by_a_name(home):
    certificate, key = tls_support.self_signed(home, [NAME])
    with cli.Program(home, "console", "--listen", "0.0.0.0:0", "--host", NAME, "--tls-cert", certificate, "--tls-key", key,
                     "--store", home / "console", "--json") as program:
        ready = program.event("ready")
        assert ready["url"].startswith(f"https://{NAME}:"), ready
        browser = Browser(ready["link"], certificate)
        assert browser.ask("/api/world", Authorization=browser.bearer())[0] == 200
        assert browser.ask("/api/world", Authorization=browser.bearer(), Host=f"{ADDRESS}:{browser.port}")[0] == 403
        assert program.end() == 0


def nothing_but_tls(home):
    certificate, key = tls_support.self_signed(home, [NAME], [socket.inet_aton(ADDRESS)])
    with console(home, certificate, key) as program:
        browser = Browser(program.event("ready")["link"], certificate)
        with socket.create_connection((ADDRESS, browser.port), 20 * cli.SLOW) as plain:
            plain.sendall(f"GET /api/world HTTP/1.1\r\nHost: {browser.host}\r\n"
                          f"Authorization: {browser.bearer()}\r\n\r\n".encode())
            text = plain.makefile("rb").read()
            assert text.startswith(b"HTTP/1.1 400") and b"HTTPS" in text, text
        browser.context.minimum_version = browser.context.maximum_version = ssl.TLSVersion.TLSv1_2
        with browser.connect() as older:
            assert older.version() == "TLSv1.2"
        stranger = ssl.create_default_context()
        try:
            stranger.wrap_socket(socket.create_connection((ADDRESS, browser.port), 20), server_hostname=ADDRESS).close()
            raise AssertionError("who does not trust the certificate must not be served")
        except ssl.SSLCertVerificationError:
            pass
        stalled = [socket.create_connection((ADDRESS, browser.port), 40 * cli.SLOW) for _ in range(40)]
        assert stalled[0].recv(1) == b"", "the oldest of too many handshakes goes at once"
        assert browser.ask("/healthz")[0] == 200, "who stalls locks nobody out"
        assert stalled[-1].recv(1) == b"", "a handshake that stalls ends"
        for sock in stalled:
            sock.close()
        assert program.end() == 0


def what_is_needed_is_said(home):
    certificate, key = tls_support.self_signed(home, [NAME])
    listen = ("console", "--listen", f"{ADDRESS}:0", "--store", home / "console")
    both = ("--tls-cert", certificate, "--tls-key", key)
    open_key = home / "open.pem"
    open_key.write_bytes(key.read_bytes())
    os.chmod(open_key, 0o644)
    junk = home / "junk.pem"
    junk.write_text("no certificate\n")
    os.chmod(junk, 0o600)
    for words, said in ((listen, "--tls-cert and --tls-key"),
                        ((*listen, "--tls-cert", certificate), "--tls-cert: needs --tls-key"),
                        ((*listen, "--tls-key", key), "--tls-key: needs --tls-cert"),
                        (("console", "--listen", "0.0.0.0:0", "--store", home / "c", *both), "--host"),
                        ((*listen, *both, "--host", "https://x"), "--host: 'https://x'"),
                        ((*listen, "--tls-cert", certificate, "--tls-key", open_key), str(open_key)),
                        ((*listen, "--tls-cert", junk, "--tls-key", key), f"certificate '{junk}'"),
                        ((*listen, "--tls-cert", certificate, "--tls-key", junk), f"'{junk}'"),
                        ((*listen, "--tls-cert", home / "none.pem", "--tls-key", key), "none.pem")):
        code, out, err = cli.run(home, *words)
        assert code != 0 and out == "" and said in err and len(err.splitlines()) == 1, (words, code, out, err)


if __name__ == "__main__":
    why = netns.enter()
    if why:
        print(f"skipped: no network namespace can be had: {why}")
        sys.exit(77)
    subprocess.run(["ip", "address", "add", f"{ADDRESS}/32", "dev", "lo"], check=True)
    sys.exit(cli.main([serves_whoever_has_the_token, by_a_name, nothing_but_tls, what_is_needed_is_said]))
