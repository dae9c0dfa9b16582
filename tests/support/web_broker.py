"""A STOMP broker over WebSocket that a test plays: it answers CONNECT and asked receipts, keeps how
each frame came, and says whatever bytes the test wants in whatever WebSocket frames.
"""

import base64
import hashlib
import socket
import threading

from checks import eventually
from stomp_client import FrameParser, encode
from websocket_client import GUID, frame_bytes, mask_bytes

TEXT, BINARY, CLOSE, PING = 0x1, 0x2, 0x8, 0x9


class Link:
    """One connection of a gateway."""

    def __init__(self, broker, connection):
        self.broker, self.socket = broker, connection
        self.buffer = bytearray()
        self.parser = FrameParser()
        self.came = []  # (opcodes of the messages that it came in, Frame)
        self.pieces = set()
        self.subscriptions = {}  # destination: id
        self.head = ""           # of the upgrade
        self.ended = None        # how: ("close", code), ("fin",) or ("reset",)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def say(self, data, opcode=TEXT, **how):
        self.socket.sendall(frame_bytes(opcode, data, masked=False, **how))

    def _fill(self):
        data = self.socket.recv(1 << 16)
        if not data:
            self.ended = self.ended or ("fin",)
            raise OSError("closed")
        self.buffer += data

    def _message(self):
        while True:
            data = self.buffer
            if len(data) >= 2:
                size, at = data[1] & 0x7F, 2
                if size >= 126:
                    width = 2 if size == 126 else 8
                    size, at = int.from_bytes(data[2:2 + width], "big"), 2 + width
                if len(data) >= at + 4 + size:
                    opcode, key = data[0] & 15, bytes(data[at:at + 4])
                    payload = mask_bytes(bytes(data[at + 4:at + 4 + size]), key)
                    del data[:at + 4 + size]
                    return opcode, payload
            self._fill()

    def _run(self):
        try:
            while b"\r\n\r\n" not in self.buffer:
                self._fill()
            head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
            self.buffer = bytearray(rest)
            self.head = head.decode("latin-1")
            answer = self.broker.judge(self.head) if self.broker.judge else None
            if answer is not None:
                self.broker.answer(self.socket, answer)
                return
            key = next(line.split(":")[1].strip() for line in head.decode().split("\r\n")
                       if line.lower().startswith("sec-websocket-key"))
            accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
            self.socket.sendall(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                 f"Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
                                 "Sec-WebSocket-Protocol: v12.stomp\r\n\r\n").encode())
            while True:
                opcode, payload = self._message()
                if opcode in (TEXT, BINARY):
                    self._take(opcode, payload)
                elif opcode == CLOSE:
                    self.ended = ("close", int.from_bytes(payload[:2], "big"))
                    self.socket.sendall(frame_bytes(CLOSE, payload, masked=False))
                    return
        except ConnectionResetError:
            self.ended = self.ended or ("reset",)
        except (OSError, StopIteration):
            pass
        finally:
            self.socket.close()

    def _take(self, opcode, payload):
        self.pieces.add(opcode)
        for frame in self.parser.feed(payload):
            self.came.append((self.pieces, frame))
            self.pieces = {opcode}
            if frame.command == "CONNECT":
                self.broker.open.wait(30)
                self.say(encode("CONNECTED", {"version": "1.2", "heart-beat": "0,0", **self.broker.connected}))
            if frame.command == "SUBSCRIBE":
                self.subscriptions[frame.get("destination")] = frame.get("id")
            if frame.get("receipt"):
                self.say(encode("RECEIPT", {"receipt-id": frame.get("receipt")}))
        if not self.parser.buffer:
            self.pieces = set()


class WebBroker:
    """`judge(head of the upgrade)`: None, or what is answered instead of 101: bytes, or a function
    of the socket."""
    name = "web-broker"

    def __init__(self, scene, judge=None):
        self.judge, self.connected = judge, {}  # more headers of CONNECTED
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.links = []
        self.open = threading.Event()  # CONNECTED is said
        self.open.set()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        scene.own(self)

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}/ws"

    def _run(self):
        try:
            while True:
                self.links.append(Link(self, self.listener.accept()[0]))
        except OSError:
            pass

    def close(self):
        self.open.set()
        self.listener.close()
        for link in self.links:
            link.socket.close()

    @staticmethod
    def answer(connection, what):
        what(connection) if callable(what) else connection.sendall(what)

    def sends(self, count):
        """The first `count` SENDs of clients: (opcodes, Frame)."""
        def found():
            return [one for link in self.links for one in link.came if one[1].command == "SEND"
                    and "teal" not in one[1].get("destination", "")]
        eventually(lambda: len(found()) >= count, 15, f"{count} SENDs")
        return found()

    def subscribed(self, destination):
        """The link that a client's subscription rides on."""
        return eventually(lambda: next((link for link in self.links
                                        if destination in link.subscriptions), None), 15,
                          f"a SUBSCRIBE to {destination}")
