"""A server that breaks, changes and lies, and somebody who hears what a download says."""

import re
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sceneseg.fetching import transfer
from sceneseg.fetching.progress import ProgressReporter


@dataclass
class Served:
    """A file on the test server, and how the server misbehaves."""

    body: bytes
    etag: str = '"one"'
    ranges: bool = True
    if_range: bool = True
    breaks: list[int] = field(default_factory=list)  # bytes after which one answer after the other breaks off
    codes: list[int] = field(default_factory=list)  # sent instead of an answer, one after the other
    chunked: bool = False  # no Content-Length
    endless: bool = False  # sends the body again and again
    length: str | None = None  # sent as the Content-Length, whatever it is
    asked: list[str] = field(default_factory=list)  # the Range of every request, "" where none


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # chunks need it

    def do_GET(self):
        served = self.server.files.get(self.path)
        if served is None:
            return self._refuse(404)
        asked = self.headers.get("Range", "")
        served.asked.append(asked)
        if served.codes:
            return self._refuse(served.codes.pop(0))
        same = not served.if_range or self.headers.get("If-Range") == served.etag
        start = int(re.match(r"bytes=(\d+)-", asked)[1]) if asked and served.ranges and same else 0
        self.send_response(206 if start else 200)
        if served.etag:
            self.send_header("ETag", served.etag)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(served.body) - 1}/{len(served.body)}")
        end = start + served.breaks.pop(0) if served.breaks else len(served.body)
        with suppress(ConnectionError):  # a client that has heard enough
            self._send(served, start, end)
        return None

    def _refuse(self, code):
        self.close_connection = True
        self.send_error(code)

    def _send(self, served, start, end):
        if served.endless:
            self.end_headers()
            while True:
                self.wfile.write(served.body)
        if served.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(f"{end - start:x}\r\n".encode() + served.body[start:end] + b"\r\n")
            self.wfile.write(b"0\r\n\r\n" if end == len(served.body) else b"")
        else:
            self.send_header("Content-Length", served.length or str(len(served.body) - start))
            self.end_headers()
            self.wfile.write(served.body[start:end])
        self.close_connection = True

    def log_message(self, *_):
        pass


def serve(running, path, body, **how):
    """Put a file on the server, or another in its place."""
    running.files[path] = Served(body, **how)
    return running.files[path]


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(transfer, "FIRST_PAUSE", 0.001)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.files = {}
        running.serve = partial(serve, running)
        running.url = f"http://127.0.0.1:{running.server_port}"
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


class Heard(ProgressReporter):
    def __init__(self):
        self.said, self.bytes = [], {}

    def say(self, text):
        self.said.append(text)

    def progress(self, what, done, total):
        self.bytes.setdefault(what, []).append((done, total))


@pytest.fixture
def heard():
    return Heard()
