"""Receivers of OTLP/HTTP that behave and misbehave, in a thread of the driver: what a node exports to while it is
measured. What arrives is counted and thrown away."""

import asyncio
import socket
import threading

MODES = ('up', 'down', 'slow', 'failing')


class Receiver:
    """`up` answers 200, `failing` 500, `slow` reads and answers one byte a second, and at `down` nobody listens."""

    def __init__(self, mode):
        self.mode, self.requests, self.bytes = mode, 0, 0
        self.loop = asyncio.new_event_loop()
        listener = socket.socket()
        listener.bind(('127.0.0.1', 0))
        self.url = f'http://127.0.0.1:{listener.getsockname()[1]}'
        if mode == 'down':
            self.listener = listener   # Bound but not listening: the port stays free of others, and refuses.
            return
        self.loop.create_task(asyncio.start_server(self.serve, sock=listener))
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    async def serve(self, reader, writer):
        try:
            while True:
                await self.serve_one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def serve_one(self, reader, writer):
        if self.mode == 'slow':
            while await reader.readexactly(1):
                await asyncio.sleep(1)
                writer.write(b'H')   # The first byte of an answer that never ends.
                await writer.drain()
        head = (await reader.readuntil(b'\r\n\r\n')).decode('latin1').lower()
        length = next(int(line.split(':')[1]) for line in head.split('\r\n') if line.startswith('content-length:'))
        await reader.readexactly(length)
        self.requests += 1
        self.bytes += length
        status = '200 OK' if self.mode == 'up' else '500 Internal Server Error'
        writer.write(f'HTTP/1.1 {status}\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n'.encode())
        await writer.drain()


def environment(receiver):
    """What a node needs to export to it."""
    return {'OTEL_EXPORTER_OTLP_ENDPOINT': receiver.url, 'OTEL_METRIC_EXPORT_INTERVAL': '10000'}
