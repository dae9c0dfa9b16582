"""A WebSocket client (RFC 6455) that can also misbehave: frames are built as the test says."""

import base64
import hashlib
import os
import select
import socket
import struct
import time

from checks import Failure

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


def readable(connection, timeout):
    """select() would end at descriptor 1024. What TLS has decrypted already no descriptor tells."""
    if getattr(connection, "pending", int)():
        return True
    waiter = select.poll()
    waiter.register(connection, select.POLLIN)
    return bool(waiter.poll(max(0, timeout) * 1000))


def open_stream(host, port, timeout=10, first=b"", source=None, tls=None, name=None):
    """A connected socket: to HOST and port, or to unix:PATH. `first` goes out before all else, in
    pieces where it is a list; `source` is the address to come from. `tls`: an ssl.SSLContext, `name`
    whom it asks for (SNI)."""
    if host.startswith("unix:"):
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(timeout)
        made.connect(host[len("unix:"):])
    else:
        made = socket.create_connection((host, port), timeout, source and (source, 0))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for piece in first if isinstance(first, list) else [first]:
        made.sendall(piece)
    return tls.wrap_socket(made, server_hostname=name or host) if tls else made


def mask_bytes(payload, key):
    """RFC 6455, 5.3, as one big-number xor: fast enough for megabytes."""
    size = len(payload)
    if size == 0:
        return b""
    pad = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")


def frame_bytes(opcode, payload=b"", fin=True, rsv=0, masked=True, length=None):
    """One frame; `length` says another length than the payload has."""
    said = len(payload) if length is None else length
    head = bytearray([(0x80 if fin else 0) | (rsv << 4) | opcode])
    bit = 0x80 if masked else 0
    if said < 126:
        head.append(bit | said)
    elif said < 65536:
        head.append(bit | 126)
        head += struct.pack("!H", said)
    else:
        head.append(bit | 127)
        head += struct.pack("!Q", said)
    if not masked:
        return bytes(head) + payload
    key = os.urandom(4)
    return bytes(head) + key + mask_bytes(payload, key)


class WebSocket:
    """One connection. `upgrade` raises when refused; `request` only reports."""

    def __init__(self, host, port, path="/ws", subprotocols=("v12.stomp",), headers=(),
                 timeout=10, **stream):
        self.host, self.port, self.path = host, port, path
        self.subprotocols, self.extra = subprotocols, headers
        self.timeout = timeout
        self.socket = open_stream(host, port, timeout, **stream)
        self.buffer = bytearray()
        self.parts = None        # (opcode, bytes) of a message whose end is missing
        self.close_info = None   # (code, reason) once CLOSE came; (1006, "") at a bare end
        self.controls = []       # control frames that came: (opcode, payload)

    def head(self, **changes):
        """The handshake's headers; `Sec_X=value` changes one, None leaves it out."""
        self.key = base64.b64encode(os.urandom(16)).decode()
        fields = {"Host": f"{self.host}:{self.port}", "Upgrade": "websocket",
                  "Connection": "Upgrade", "Sec-WebSocket-Key": self.key,
                  "Sec-WebSocket-Version": "13"}
        if self.subprotocols:
            fields["Sec-WebSocket-Protocol"] = ", ".join(self.subprotocols)
        fields.update(dict(self.extra))
        fields.update({name.replace("_", "-"): value for name, value in changes.items()})
        return {name: value for name, value in fields.items() if value is not None}

    def request(self, method="GET", path=None, version="HTTP/1.1", **changes):
        """Sends the upgrade; returns (status, headers)."""
        fields = self.head(**changes)
        lines = [f"{method} {path or self.path} {version}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return self.response()

    def response(self):
        deadline = time.monotonic() + self.timeout
        while b"\r\n\r\n" not in self.buffer:
            if not self._fill(deadline - time.monotonic()):
                raise Failure(f"no HTTP answer, only {bytes(self.buffer[:80])!r}")
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        self.buffer = bytearray(rest)
        lines = head.decode("latin-1").split("\r\n")
        fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            fields[name.strip().lower()] = value.strip()
        return int(lines[0].split()[1]), fields

    def upgrade(self):
        status, fields = self.request()
        if status != 101:
            raise Failure(f"the upgrade was answered by {status}")
        accept = hashlib.sha1((self.key + GUID).encode()).digest()
        if fields.get("sec-websocket-accept") != base64.b64encode(accept).decode():
            raise Failure("Sec-WebSocket-Accept does not fit the key")
        self.subprotocol = fields.get("sec-websocket-protocol")
        return fields

    def send(self, opcode, payload=b"", **how):
        self.socket.sendall(frame_bytes(opcode, payload, **how))

    def send_bytes(self, data):
        self.socket.sendall(data)

    def _fill(self, timeout):
        """True: bytes came; False: none in time; at the end sets close_info and says False."""
        if not readable(self.socket, timeout):
            return False
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        if not data:
            self.close_info = self.close_info or (1006, "")
            return False
        self.buffer += data
        return True

    def _parse(self):
        """One frame out of the buffer: (fin, rsv, opcode, payload), or None."""
        data = self.buffer
        if len(data) < 2:
            return None
        size, at = data[1] & 0x7F, 2
        if data[1] & 0x80:
            raise Failure("a server's frame is masked")
        if size == 126:
            if len(data) < 4:
                return None
            size, at = struct.unpack_from("!H", data, 2)[0], 4
        elif size == 127:
            if len(data) < 10:
                return None
            size, at = struct.unpack_from("!Q", data, 2)[0], 10
        if len(data) < at + size:
            return None
        payload = bytes(data[at:at + size])
        first = data[0]
        del data[:at + size]
        return bool(first & 0x80), (first >> 4) & 7, first & 15, payload

    def receive_frame(self, timeout):
        """The next frame; None when none came in time; "closed" at the end of the stream."""
        deadline = time.monotonic() + timeout
        while True:
            frame = self._parse()
            if frame is not None:
                return frame
            if not self._fill(deadline - time.monotonic()):
                return "closed" if self.close_info else None

    def receive_message(self, timeout):
        """The next message (opcode, payload); pings are answered; None or "closed" as above."""
        deadline = time.monotonic() + timeout
        while True:
            frame = self.receive_frame(deadline - time.monotonic())
            if frame is None or frame == "closed":
                return frame
            fin, rsv, opcode, payload = frame
            if rsv:
                raise Failure("a reserved bit is set")
            if opcode >= CLOSE:
                self.controls.append((opcode, payload))
                if opcode == PING:
                    self.send(PONG, payload)
                elif opcode == CLOSE:
                    code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
                    self.close_info = (code, payload[2:].decode("utf-8", "replace"))
                    return "closed"
                continue
            if opcode == CONTINUATION:
                self.parts = (self.parts[0], self.parts[1] + payload)
            else:
                self.parts = (opcode, payload)
            if fin:
                message, self.parts = self.parts, None
                return message

    def await_close(self, timeout=10):
        """Reads to CLOSE or the end; the close code (1006: the stream ended without CLOSE)."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            if self.receive_message(left) == "closed":
                return self.close_info[0]
        raise Failure("the gateway did not close")

    def close(self):
        self.socket.close()
