"""A receiver of OTLP/HTTP for tests: reads what was posted with a protobuf reader of its own, so that a fault of the
program's encoder cannot hide behind the same fault of its decoder. Field numbers as in opentelemetry-proto 1.5."""

import gzip
import http.server
import struct
import threading
from dataclasses import dataclass, field


def fields(data):
    """(number, value) of each field of one message; varints and fixed as int, the rest as bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while at < len(data):
        key = varint()
        number, kind = key >> 3, key & 7
        if kind == 0:
            yield number, varint()
        elif kind == 1:
            yield number, struct.unpack_from("<Q", data, at)[0]
            at += 8
        elif kind == 5:
            yield number, struct.unpack_from("<I", data, at)[0]
            at += 4
        elif kind == 2:
            size = varint()
            assert at + size <= len(data), "a field is longer than its message"
            yield number, bytes(data[at : at + size])
            at += size
        else:
            raise AssertionError(f"wire type {kind} is not in use")


def any_value(data):
    for number, value in fields(data):
        if number == 1:
            return value.decode()
        if number == 2:
            return bool(value)
        if number == 3:
            return value - (1 << 64) if value >> 63 else value
        if number == 4:
            return struct.unpack("<d", struct.pack("<Q", value))[0]
    return None


def key_value(data):
    pair = dict(fields(data))
    return pair[1].decode(), any_value(pair[2])


@dataclass
class Span:
    resource: dict
    trace: str = ""
    id: str = ""
    parent: str = ""
    name: str = ""
    kind: int = 0
    start: int = 0
    end: int = 0
    attributes: dict = field(default_factory=dict)
    links: list = field(default_factory=list)
    status: int = 0

    @property
    def node(self):
        return self.resource["service.instance.id"]


def read_span(data, resource):
    span = Span(resource)
    for number, value in fields(data):
        if number == 1:
            span.trace = value.hex()
        elif number == 2:
            span.id = value.hex()
        elif number == 4:
            span.parent = value.hex()
        elif number == 5:
            span.name = value.decode()
        elif number == 6:
            span.kind = value
        elif number == 7:
            span.start = value
        elif number == 8:
            span.end = value
        elif number == 9:
            key, content = key_value(value)
            span.attributes[key] = content
        elif number == 13:
            span.links.append(dict(fields(value))[2].hex())
        elif number == 15:
            span.status = dict(fields(value)).get(3, 0)
    return span


def read_export(body):
    """(resource attributes, item) of every span, metric or log record of one request: all nest the same way."""
    for number, group in fields(body):
        if number != 1:
            continue
        resource = {}
        for inner, value in fields(group):
            if inner == 1:
                resource = dict(key_value(pair) for n, pair in fields(value) if n == 1)
            elif inner == 2:
                for n, item in fields(value):
                    if n == 2:
                        yield resource, item


class Receiver:
    """Listens at self.url; keeps spans and names of metrics, and the bodies of log records."""

    def __init__(self):
        self.lock = threading.Condition()
        self.spans, self.metrics, self.logs, self.bytes = [], set(), [], 0
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # noqa: N802, the name is http.server's
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Content-Type"] == "application/x-protobuf", self.headers
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver.take(self.path, body)
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def take(self, path, body):
        items = list(read_export(body))
        with self.lock:
            self.bytes += len(body)
            if path == "/v1/traces":
                self.spans += [read_span(item, resource) for resource, item in items]
            elif path == "/v1/metrics":
                self.metrics |= {(r["service.instance.id"], dict(fields(m))[1].decode()) for r, m in items}
            elif path == "/v1/logs":
                self.logs += [(r, any_value(dict(fields(m)).get(5, b""))) for r, m in items]
            self.lock.notify_all()

    def wait_for(self, condition, seconds=30):
        """Waits until condition(self) holds, and says whether it does."""
        with self.lock:
            return self.lock.wait_for(lambda: condition(self), seconds)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
