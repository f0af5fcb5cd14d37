"""For the tests of the console: a browser without pages, and what nodes say themselves."""

import http.client
import json
import socket
from pathlib import Path

import cli_support as cli


class Console:
    """A browser: it knows the link that was printed."""

    def __init__(self, link):
        self.url, _, self.token = link.partition("/#token=")
        self.host = self.url.removeprefix("http://")
        self.port = int(self.host.rpartition(":")[2])

    def ask(self, path, method="GET", body=None, seconds=40, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds * cli.SLOW)
        try:
            sent = {"Host": self.host, **{name.replace("_", "-"): value for name, value in headers.items()}}
            connection.request(method, path, body=body, headers={k: v for k, v in sent.items() if v is not None})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def get(self, path, status=200):
        code, body, _ = self.ask(path)
        assert code == status, (path, code, body)
        return json.loads(body)

    def post(self, path, body, status=200, **headers):
        sent = {"Content_Type": "application/json", "Origin": self.url, "Authorization": f"Bearer {self.token}", **headers}
        code, answer, _ = self.ask(path, "POST", body if isinstance(body, (bytes, str)) else json.dumps(body), **sent)
        assert code == status, (path, code, answer)
        return json.loads(answer)

    def own(self):
        """Its own node, or nothing."""
        return next((node for node in self.get("/api/world")["nodes"] if node["type"] == "console"), None)

    def nodes(self):
        """All but consoles, which only look."""
        return {node["id"]: node for node in self.get("/api/world")["nodes"] if node["type"] != "console"}


def ask_node(data_dir, request):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10 * cli.SLOW)
        sock.connect(str(Path(data_dir) / "control.sock"))
        sock.sendall(json.dumps(request).encode() + b"\n")
        return json.loads(sock.makefile().readline())


def converged(up, seconds=90):
    state = json.loads(up.line(seconds))
    return state, Console(state["console"])


def has_supervisor(console):
    cli.wait_until(lambda: console.get("/api/world")["supervisor"]["can_spawn"], 5, "its supervisor")


def members(console, mesh=None):
    return {i for i, n in console.nodes().items() if n["state"] == "member" and mesh in (None, n["mesh"])}


def is_member(console, node):
    return console.nodes().get(node, {}).get("state") == "member"


def drawn(console):
    """(a, b) to (who says it, who is eager), by id."""
    links = [link for link in console.get("/api/world")["links"] if link["kind"] == "overlay"]
    return {(link["a"], link["b"]): (link["said_by"], link["eager"]) for link in links}


def neighbors(data_dir):
    try:
        return {n["id"]: n["eager"] for n in ask_node(data_dir, {"op": "status"})["neighbors"]}
    except (OSError, ValueError):
        return None


def said(state):
    """The same, asked of every node itself, the console's own too; one that does not run says nothing."""
    tables = {node["id"]: neighbors(node["data_dir"]) for node in state["nodes"]}
    own = Path(state["nodes"][0]["data_dir"]).parents[1] / "collector" / "node"
    if (own / "control.sock").exists():
        tables[ask_node(own, {"op": "status"})["id"]] = neighbors(own)
    words = {(True, True): "both", (True, False): "a", (False, True): "b"}
    out = {}
    for one in tables:
        for other in tables[one] or ():
            a, b = min(one, other), max(one, other)
            of_a, of_b = tables.get(a), tables.get(b)
            eager = "unknown"
            if of_a is not None and of_b is not None:
                eager = words.get((of_a.get(b, False), of_b.get(a, False)), "neither")
            out[a, b] = (words[b in (of_a or ()), a in (of_b or ())], eager)
    return out
