"""A small blocking STOMP 1.0-1.2 client over TCP or WebSocket, for tests. Standard library only.

It keeps every frame in the order of arrival (`history`), so that a test can check order, and it
lets bytes be sent that no decent client would send.
"""

import itertools
import time

from checks import Failure
from websocket_client import WebSocket, open_stream, readable

ESCAPES = {"\\": "\\\\", "\r": "\\r", "\n": "\\n", ":": "\\c"}
UNESCAPES = {"\\\\": "\\", "\\r": "\r", "\\n": "\n", "\\c": ":"}


class EndOfStream(Failure):
    """The peer closed. `close` is the WebSocket close (code, reason), when there was one."""

    def __init__(self, text, close=None):
        super().__init__(text)
        self.close = close


class Frame:
    """A frame as it came: headers in order, repeats included."""

    def __init__(self, command, headers, body=b""):
        self.command = command
        self.headers = headers
        self.body = body

    def get(self, name, default=None):
        for key, value in self.headers:
            if key == name:
                return value
        return default

    def names(self):
        return [key for key, _ in self.headers]

    def __repr__(self):
        return f"{self.command} {dict(self.headers)} {self.body[:80]!r}"


def escape(text):
    return "".join(ESCAPES.get(letter, letter) for letter in text)


def unescape(text):
    out, at = [], 0
    while at < len(text):
        pair = text[at:at + 2]
        if pair in UNESCAPES:
            out.append(UNESCAPES[pair])
            at += 2
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def encode(command, headers=(), body=b""):
    """STOMP 1.2, "Augmented BNF"; CONNECT's headers are not escaped (section "Value Encoding")."""
    pairs = headers.items() if isinstance(headers, dict) else headers
    keep = command in ("CONNECT", "CONNECTED")
    lines = [command]
    for key, value in pairs:
        text = f"{key}:{value}" if keep else f"{escape(str(key))}:{escape(str(value))}"
        lines.append(text)
    return "\n".join(lines).encode() + b"\n\n" + body + b"\0"


class FrameParser:
    """Bytes in, frames out; end-of-lines between frames are heart-beats and counted."""

    def __init__(self):
        self.buffer = bytearray()
        self.beats = 0

    def feed(self, data):
        self.buffer += data
        frames = []
        while True:
            while self.buffer[:1] in (b"\n", b"\r"):
                self.beats += self.buffer[:1] == b"\n"
                del self.buffer[:1]
            frame = self._take()
            if frame is None:
                return frames
            frames.append(frame)

    def _take(self):
        end = self.buffer.find(b"\n\n")
        crlf = self.buffer.find(b"\r\n\r\n")
        width = 2
        if crlf >= 0 and (end < 0 or crlf < end):
            end, width = crlf, 4
        if end < 0:
            return None
        lines = self.buffer[:end].decode("utf-8", "surrogateescape").replace("\r\n", "\n")
        command, *rest = lines.split("\n")
        pairs = []
        for line in rest:
            key, _, value = line.partition(":")
            plain = command == "CONNECTED"
            pairs.append((key, value) if plain else (unescape(key), unescape(value)))
        frame = Frame(command, pairs)
        start = end + width
        length = frame.get("content-length")
        stop = start + int(length) if length is not None else self.buffer.find(b"\0", start)
        if stop < 0 or len(self.buffer) <= stop:
            return None
        if self.buffer[stop] != 0:
            raise Failure(f"no NUL behind the body of {frame}")
        frame.body = bytes(self.buffer[start:stop])
        del self.buffer[:stop + 1]
        return frame


class TcpTransport:
    def __init__(self, host, port, timeout=10, **stream):
        self.socket = open_stream(host, port, timeout, **stream)
        self.close_info = None

    def send(self, data):
        self.socket.sendall(data)

    def receive(self, timeout):
        """Some bytes; b"" at the end of the stream; None when nothing came in time."""
        if not readable(self.socket, timeout):
            return None
        try:
            return self.socket.recv(1 << 16)
        except ConnectionResetError:
            return b""

    def close(self):
        self.socket.close()


class WebSocketTransport:
    """STOMP in WebSocket messages; `binary` chooses the opcode of what is sent."""

    def __init__(self, host, port, path="/ws", binary=False, subprotocols=("v12.stomp",),
                 headers=(), timeout=10, **stream):
        self.websocket = WebSocket(host, port, path, subprotocols, headers, timeout, **stream)
        self.websocket.upgrade()
        self.socket = self.websocket.socket
        self.binary = binary
        self.opcodes = []

    @property
    def close_info(self):
        return self.websocket.close_info

    def send(self, data):
        self.websocket.send(0x2 if self.binary else 0x1, data)

    def receive(self, timeout):
        message = self.websocket.receive_message(timeout)
        if message is None:
            return None
        if message == "closed":
            return b""
        self.opcodes.append(message[0])
        return message[1]

    def close(self):
        self.websocket.close()


def tcp(port, host="127.0.0.1", **stream):
    return TcpTransport(host, port, **stream)


def websocket(port, path="/ws", host="127.0.0.1", **options):
    return WebSocketTransport(host, port, path, **options)


class StompClient:
    """One session. Not thread-safe; a thread that uses one owns it."""

    def __init__(self, transport, timeout=10):
        self.transport = transport
        self.timeout = timeout
        self.parser = FrameParser()
        self.inbox = []      # not asked for yet
        self.history = []    # everything, in order of arrival
        self.numbers = itertools.count(1)
        self.ended = False

    def send_raw(self, data):
        self.transport.send(data)

    def send(self, command, headers=(), body=b""):
        self.send_raw(encode(command, headers, body))

    def connect(self, login="guest", passcode="guest", version="1.2", heart_beat="0,0", **more):
        headers = {"accept-version": version, "host": "/", "heart-beat": heart_beat}
        if login is not None:
            headers.update(login=login, passcode=passcode)
        headers.update(more)
        self.send("CONNECT", headers)
        frame = self.next(self.timeout)
        if frame.command != "CONNECTED":
            raise Failure(f"CONNECT was answered by {frame}")
        return frame

    def pump(self, timeout):
        """Reads once; True when something came. Raises EndOfStream at the end."""
        if self.ended:
            raise EndOfStream("the peer has closed", self.transport.close_info)
        data = self.transport.receive(timeout)
        if data is None:
            return False
        if data == b"":
            self.ended = True
            raise EndOfStream("the peer closed", self.transport.close_info)
        frames = self.parser.feed(data)
        self.inbox += frames
        self.history += frames
        return True

    def take(self, matches, timeout=None, what="a frame"):
        """The first frame that matches; what else comes stays in the inbox."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        at = 0
        while True:
            while at < len(self.inbox):
                if matches(self.inbox[at]):
                    return self.inbox.pop(at)
                at += 1
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failure(f"{what} did not come; waiting: {self.inbox[:3]}")
            self.pump(left)

    def next(self, timeout=None):
        return self.take(lambda frame: True, timeout)

    def message(self, timeout=None):
        return self.take(lambda frame: frame.command == "MESSAGE", timeout, "a MESSAGE")

    def error(self, timeout=None):
        return self.take(lambda frame: frame.command == "ERROR", timeout, "an ERROR")

    def receipt(self, name, timeout=None):
        return self.take(lambda f: f.command == "RECEIPT" and f.get("receipt-id") == name,
                         timeout, f"the RECEIPT {name}")

    def confirmed(self, command, headers=(), body=b"", timeout=None):
        """Sends with a receipt of its own and waits for it."""
        name = f"c{next(self.numbers)}"
        self.send(command, dict(headers, receipt=name), body)
        return self.receipt(name, timeout)

    def subscribe(self, name, destination, ack="auto", **more):
        more = {key.replace("_", "-"): value for key, value in more.items()}
        return self.confirmed("SUBSCRIBE",
                              {"id": name, "destination": destination, "ack": ack, **more})

    def quiet(self, seconds, command="MESSAGE"):
        """Reads for a while (a claim that nothing comes has no event to wait for)."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not self.pump(left):
                break
        return [frame for frame in self.inbox if frame.command == command]

    def read_to_end(self, timeout=None):
        """Everything until the peer closes; fails when it does not."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        try:
            while (left := deadline - time.monotonic()) > 0:
                self.pump(left)
        except EndOfStream as end:
            return end.close
        raise Failure("the peer did not close")

    def close(self):
        self.transport.close()
