"""SockJS clients over raw sockets: HTTP requests that are written as the test says, answers read chunk
by chunk, and transports for StompClient: xhr-streaming, xhr polling, and framed WebSocket.
"""

import json
import os
import socket
import time

from checks import Failure
from websocket_client import WebSocket, readable


class Answer:
    def __init__(self, status, fields, version):
        self.status, self.fields, self.version, self.body = status, fields, version, b""

    def get(self, name, default=None):
        return self.fields.get(name.lower(), default)

    def __repr__(self):
        return f"{self.status} {self.fields} {self.body[:120]!r}"


class Http:
    """One HTTP connection. `request` reads a whole answer; `open` its head only, and then `chunk` or
    `body_bytes` what follows."""

    def __init__(self, port, timeout=10, host="127.0.0.1", source=None):
        self.port, self.timeout = port, timeout
        self.socket = socket.create_connection((host, port), timeout, source and (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.ended = False

    def send(self, data):
        self.socket.sendall(data)

    def fill(self, timeout=None):
        """False: nothing came in time, or the end."""
        if self.ended or not readable(self.socket, self.timeout if timeout is None else timeout):
            return False
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        self.ended = not data
        self.buffer += data
        return bool(data)

    def until(self, mark, timeout=None):
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while mark not in self.buffer:
            if not self.fill(max(0, deadline - time.monotonic())):
                raise Failure(f"{'the end' if self.ended else 'nothing more'} before {mark!r}: "
                              f"{bytes(self.buffer[:200])!r}")
        found, _, rest = bytes(self.buffer).partition(mark)
        self.buffer = bytearray(rest)
        return found

    def exactly(self, size, timeout=None):
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while len(self.buffer) < size:
            if not self.fill(max(0, deadline - time.monotonic())):
                raise Failure(f"{len(self.buffer)} bytes of {size}: {bytes(self.buffer[:200])!r}")
        found = bytes(self.buffer[:size])
        del self.buffer[:size]
        return found

    @staticmethod
    def text(method, path, body=None, version="1.1", headers=(), length=None):
        fields = {"Host": "127.0.0.1"}
        if body is not None or method == "POST":
            fields["Content-Length"] = str(len(body or b"") if length is None else length)
        fields.update(dict(headers))
        lines = [f"{method} {path} HTTP/{version}"]
        lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")

    def ask(self, method, path, body=None, **how):
        if isinstance(body, str):
            body = body.encode()
        self.send(self.text(method, path, body, **how))

    def head(self):
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status = lines[0].split(" ")[:2]
        fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            fields[name.strip().lower()] = value.strip()
        return Answer(int(status), fields, version.partition("/")[2])

    def chunk(self, timeout=None):
        size = int(self.until(b"\r\n", timeout).split(b";")[0], 16)
        data = self.exactly(size, timeout)
        self.exactly(2, timeout)
        return data

    def to_end(self, timeout=None):
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while not self.ended and time.monotonic() < deadline:
            self.fill(max(0, deadline - time.monotonic()))
        if not self.ended:
            raise Failure("the connection stays open")
        rest, self.buffer = bytes(self.buffer), bytearray()
        return rest

    def answer(self):
        answer = self.head()
        if answer.get("transfer-encoding", "").lower() == "chunked":
            while data := self.chunk():
                answer.body += data
        elif answer.get("content-length"):
            answer.body = self.exactly(int(answer.get("content-length")))
        elif answer.status not in (101, 204, 304):
            answer.body = self.to_end()
        return answer

    def request(self, method, path, body=None, **how):
        self.ask(method, path, body, **how)
        return self.answer()

    def open(self, method, path, body=None, **how):
        self.ask(method, path, body, **how)
        return self.head()

    def close(self):
        self.socket.close()


def once(port, method, path, body=None, **how):
    """A request on a connection of its own."""
    connection = Http(port)
    try:
        return connection.request(method, path, body, **how)
    finally:
        connection.close()


def new_session(server="000"):
    return f"/{server}/{os.urandom(8).hex()}"


def frames_to_bytes(frame):
    """The messages of a SockJS frame, joined; None: a close frame (code, reason) behind it."""
    if frame in ("o", "h", ""):
        return b"", None
    if frame.startswith("a"):
        return "".join(json.loads(frame[1:])).encode(), None
    if frame.startswith("c"):
        return b"", tuple(json.loads(frame[1:]))
    raise Failure(f"no frame of SockJS: {frame[:80]!r}")


class XhrTransport:
    """STOMP over xhr-streaming or xhr polling, for StompClient."""

    def __init__(self, port, base="/ws", streaming=True, headers=(), timeout=10):
        self.port, self.headers, self.timeout = port, dict(headers), timeout
        self.url = base + new_session()
        self.resource = self.url + ("/xhr_streaming" if streaming else "/xhr")
        self.close_info = None
        self.sender = Http(port, timeout)
        self.receiver = Http(port, timeout)
        self.line = b""
        self.receives = self.opened = False
        self.answers = 0
        while not self.opened:
            self._read(timeout)

    @property
    def socket(self):
        return self.receiver.socket

    def _read(self, timeout):
        """One chunk: the frames that ended with it. [] at the end of an answer."""
        if not self.receives:
            if self.receiver.ended:
                self.receiver = Http(self.port, self.timeout)
            answer = self.receiver.open("POST", self.resource, headers=self.headers)
            if answer.status != 200:
                raise Failure(f"{self.resource}: {answer}")
            self.receives, self.answers, self.line = True, self.answers + 1, b""
        if b"\r\n" not in self.receiver.buffer and not self.receiver.fill(timeout):
            if self.receiver.ended:
                raise Failure("a receiver's connection ended within its answer")
            return None
        data = self.receiver.chunk()
        if not data:
            self.receives = False
            return []
        lines = (self.line + data).split(b"\n")
        self.line = lines.pop()
        frames = [line.decode() for line in lines if line.strip(b"h") or line == b"h"]
        self.opened = self.opened or "o" in frames
        return frames

    def receive(self, timeout):
        deadline = time.monotonic() + timeout
        while True:
            frames = self._read(max(0, deadline - time.monotonic()))
            if frames is None:
                return None
            got = b""
            for frame in frames:
                data, end = frames_to_bytes(frame)
                got += data
                if end:
                    self.close_info = end
                    return got or b""
            if got:
                return got
            if time.monotonic() >= deadline:
                return None

    def send(self, data):
        body = json.dumps([data.decode()])
        answer = self.sender.request("POST", self.url + "/xhr_send", body, headers=self.headers)
        if answer.status != 204:
            raise Failure(f"xhr_send: {answer}")
        if self.sender.ended or answer.get("connection") == "close":
            self.sender = Http(self.port, self.timeout)

    def close(self):
        self.receiver.close()
        self.sender.close()


class FramedTransport:
    """STOMP in SockJS's frames over WebSocket, for StompClient."""

    def __init__(self, port, base="/ws", headers=(), timeout=10):
        self.websocket = WebSocket("127.0.0.1", port, f"{base}{new_session()}/websocket", (),
                                   headers, timeout)
        self.websocket.upgrade()
        self.socket = self.websocket.socket
        self.close_info = None
        first = self.websocket.receive_message(timeout)
        if first != (0x1, b"o"):
            raise Failure(f"the first message was {first!r}")

    def send(self, data):
        self.websocket.send(0x1, json.dumps([data.decode()]).encode())

    def receive(self, timeout):
        deadline = time.monotonic() + timeout
        while True:
            message = self.websocket.receive_message(max(0, deadline - time.monotonic()))
            if message is None:
                return None
            if message == "closed":
                self.close_info = self.close_info or self.websocket.close_info
                return b""
            data, end = frames_to_bytes(message[1].decode())
            self.close_info = end or self.close_info
            if data:
                return data

    def close(self):
        self.websocket.close()


TRANSPORTS = {
    "xhr_streaming": lambda port, **how: XhrTransport(port, streaming=True, **how),
    "xhr_polling": lambda port, **how: XhrTransport(port, streaming=False, **how),
    "websocket": FramedTransport,
}
