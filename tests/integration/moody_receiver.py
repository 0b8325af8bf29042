"""An OTLP receiver that is down, then overloaded, then hangs up in the middle of its answers, then well."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections import Counter
from enum import Enum
from http.server import BaseHTTPRequestHandler
from typing import Self


class Mood(Enum):
    """What becomes of a request."""

    DOWN = "is down"
    OVERLOADED = "answers 503"
    HANGS_UP_EARLY = "hangs up while it is sent the request"
    HANGS_UP_LATE = "hangs up while it answers"
    WELL = "is well"


class MoodyReceiver:
    """Listens in a thread; every whole body that came is kept, answered well or not."""

    def __init__(self) -> None:
        # Bound and not listening: who comes is refused, and nobody else gets the port.
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server: _Server | None = None
        self.mood = Mood.DOWN
        self.requests: Counter[Mood] = Counter()
        self.attempts: list[bytes] = []
        """Every body that came whole."""
        self.accepted: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.shutdown()
        self._socket.close()

    def listen(self, mood: Mood) -> None:
        """Ends being down."""
        self.mood = mood
        self._socket.listen(16)
        self._server = _Server(self, self._socket)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True

    def __init__(self, receiver: MoodyReceiver, listening: socket.socket) -> None:
        super().__init__(listening.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.receiver = receiver


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        receiver = self.server.receiver
        mood = receiver.mood
        length = int(self.headers["Content-Length"])
        if mood is Mood.HANGS_UP_EARLY:
            self.rfile.read(length // 2)
            self._hang_up()
            receiver.requests[mood] += 1
            return
        body = self.rfile.read(length)
        receiver.attempts.append(body)
        if mood is Mood.HANGS_UP_LATE:
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 100\r\n\r\n\x0a"
            )
            self._hang_up()
        elif mood is Mood.OVERLOADED:
            self._answer(503)
        else:
            receiver.accepted.append(body)
            self._answer(200)
        receiver.requests[mood] += 1

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the library's
        """Says nothing."""

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _hang_up(self) -> None:
        self.wfile.flush()
        # With a linger time of nought closing resets the connection.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()
        self.close_connection = True
