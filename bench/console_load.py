#!/usr/bin/env python3
"""What the console's server costs with a thousand nodes of which fifty change a second: CPU and memory with nobody
looking, which is the floor, and with 24 browsers on the live view, one of which does not read and is dropped."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import figures
import meshes
import processes

CPU_BUDGET_PERCENT = 20
MEMORY_BUDGET_KIB = 150 * 1024
BROWSERS = 24
PATIENCE_S = 60


class Browser(threading.Thread):
    """Reads the live view to its end, and keeps the delays of its deltas: how long after the one before."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.socket, self.bytes, self.deltas = open_live(address), 0, 0
        self.start()

    def run(self):
        try:
            while chunk := self.socket.recv(65536):
                self.bytes += len(chunk)
                self.deltas += chunk.count(b'event: delta\n')
        except OSError:
            pass

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.join()
        self.socket.close()


def open_live(address, receive_buffer=None):
    out = socket.socket()
    if receive_buffer:
        out.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    out.connect(address)
    out.sendall(f'GET /api/live HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n\r\n'.encode())
    return out


def metric(url, name):
    with urllib.request.urlopen(f'{url}/metrics', timeout=PATIENCE_S) as answer:
        found = re.search(rf'^{re.escape(name)} (\d+)$', answer.read().decode(), re.MULTILINE)
    return int(found.group(1)) if found else 0


def cost(pid, seconds):
    """CPU in percent of a core over `seconds`, and resident memory at their end."""
    before, began = processes.cost_of(pid), time.monotonic()
    time.sleep(seconds)
    after = processes.cost_of(pid)
    return processes.rates_between(before, after, time.monotonic() - began).cpu_percent, after.rss_kib


def dropped(url):
    return metric(url, 'grapevine_console_dropped_total{cause="browser_behind"}')


def measure(report, options, server, url):
    host, _, port = url.removeprefix('http://').rpartition(':')
    address = (host, int(port))
    floor, _ = cost(server.pid, options.seconds)
    report.add('cpu_percent_nobody_looks', floor, '% of a core')
    browsers = [Browser(address) for _ in range(BROWSERS - 1)]
    lazy = open_live(address, receive_buffer=2048)
    changes, began = metric(url, 'grapevine_console_changes_total'), time.monotonic()
    cpu, rss = cost(server.pid, options.seconds)
    seconds = time.monotonic() - began
    report.at_most('cpu_percent_24_browsers', cpu, CPU_BUDGET_PERCENT, '% of a core')
    report.add('ratio_to_nobody', cpu / floor if floor else 0.0)
    report.at_most('rss_kib', rss, MEMORY_BUDGET_KIB, 'KiB')
    report.add('changes_per_s', (metric(url, 'grapevine_console_changes_total') - changes) / seconds, '/s')
    report.add('bytes_per_s_a_browser', sum(b.bytes for b in browsers) / len(browsers) / seconds, 'B/s')
    report.add('deltas_per_s_a_browser', sum(b.deltas for b in browsers) / len(browsers) / seconds, '/s')
    deadline = time.monotonic() + PATIENCE_S
    while dropped(url) == 0 and time.monotonic() < deadline:
        time.sleep(0.2)
    report.add('browsers_dropped', dropped(url))
    report.judge('browsers_dropped', dropped(url) == 1, 'the one that does not read')
    for browser in browsers:
        if not browser.is_alive():
            report.fail('a browser that reads was dropped')
        browser.close()
    lazy.close()


def main():
    parser = figures.parser(__doc__)
    parser.add_argument('--nodes', type=int, default=1000, help='(default 1000)')
    parser.add_argument('--changes', type=int, default=50, help='a second (default 50)')
    parser.add_argument('--seconds', type=int, default=30, help='of each measurement (default 30)')
    options = parser.parse_args()
    report = figures.Figures('console_load', options)
    words = [str(options.bin_dir / 'bench_console_server'), '--nodes', str(options.nodes), '--changes', str(options.changes)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True,
                          preexec_fn=meshes.die_with_parent) as server:  # pylint: disable=subprocess-popen-preexec-fn
        try:
            measure(report, options, server, json.loads(server.stdout.readline())['url'])
        finally:
            server.send_signal(signal.SIGTERM)
    return report.finish()


if __name__ == '__main__':
    sys.exit(main())
