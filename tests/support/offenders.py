"""Clients that do what they should not, all the time, each on a thread of its own.

Each offence is a function of (offender, client): it offends once and reads what comes back. An
offender connects again where its connection was ended. Everything is bounded: it pauses between two
offences, and stops when it is told to.
"""

import itertools
import os
import socket
import threading

from checks import Failure
from stomp_client import EndOfStream, StompClient, encode, websocket
from websocket_client import PING, WebSocket, frame_bytes

_numbers = itertools.count(1)
SHARED = {"host": "/"}  # what teal-load says too: the same identity, so the same links


def read_some(client, seconds=0.1):
    client.quiet(seconds)
    client.inbox.clear()
    client.history.clear()


# ---- 1.1: ERRORs that name no receipt, on a link that lives on and on one that does not
def bad_destination(offender, client):
    for words in ({}, {"receipt": "r1"}):
        client.send("SEND", {"destination": "/topic/a/b", **words}, b"x")
        client.send("SEND", {"destination": "/nosuch/x", **words}, b"x")
    read_some(client)


def bad_header(offender, client):
    client.send("SEND", {"destination": "/topic/offence", "priority": "high"}, b"x")
    read_some(client)


def missing_exchange(offender, client):
    client.send("SEND", {"destination": "/exchange/nosuch/k", "receipt": "r"}, b"x")
    read_some(client)


def bad_expiration(offender, client):
    client.send("SEND", {"destination": "/topic/offence", "expiration": "soon"}, b"x")
    read_some(client)


def bad_transaction(offender, client):
    client.send("BEGIN", {"transaction": "t"})
    client.send("SEND", {"destination": "/topic/a/b", "transaction": "t"}, b"x")
    client.send("COMMIT", {"transaction": "t", "receipt": "c"})
    read_some(client)


# ---- 1.2
def subscribe_to_nothing(offender, client):
    client.send("SUBSCRIBE", {"id": f"n{next(_numbers)}", "destination": "/exchange/nosuch/k",
                              "receipt": "s"})
    read_some(client)


# ---- 1.3: what RabbitMQ says to a STOMP 1.1 subscriber of a neighbour's topic
def carriage_returns(offender, client):
    client.send("SEND", {"destination": offender.watched, "odd": "a\rb", "x": "\u00a0"}, b"odd")
    read_some(client, 0.02)


# ---- 1.4
def thefts(offender, client):
    name = "stomp-subscription-teal-1f3ac402"
    for head in ({"destination": f"/amq/queue/{name}"}, {"destination": f"/queue/{name}"},
                 {"destination": "/topic/x", "x-queue-name": name}):
        if client.ended:
            return
        client.send("SUBSCRIBE", {"id": f"t{next(_numbers)}", **head})
    read_some(client)


def forged_marker(offender, client):
    client.send("SEND", {"destination": offender.watched, "teal-marker": "s1/0+1"}, b"odd")
    read_some(client)


def own_queue_name(offender, client):
    client.send("SEND", {"destination": "/queue/teal-none"}, b"x")
    read_some(client, 0.02)


# ---- 1.9, 1.10, 1.11
def stranger(offender, client):
    for _ in range(20):
        other = StompClient(websocket(offender.port), 5)
        other.send("CONNECT", {"accept-version": "1.2", "host": "/", "login": "stranger",
                               "passcode": str(next(_numbers))})
        other.close()


def many_identities(offender, client):
    other = StompClient(websocket(offender.port), 5)
    other.send("CONNECT", {"accept-version": "1.2", "host": "/", "x-random": str(next(_numbers))})
    offender.crowd.append(other)
    if len(offender.crowd) > 30:
        offender.crowd.pop(0).close()


def foreign_reply_to(offender, client):
    client.send("SEND", {"destination": offender.watched, "reply-to": "/reply-queue/amq.gen-nobody"},
                b"odd")
    read_some(client, 0.02)


# ---- 1.5: pings, and nothing is read
def pings(offender, client):
    flood = WebSocket("127.0.0.1", offender.port)
    flood.upgrade()
    flood.socket.settimeout(0.2)
    burst = b"".join(frame_bytes(PING, os.urandom(125)) for _ in range(200))
    try:
        for _ in range(20):
            flood.send_bytes(burst)
    except (socket.timeout, OSError):
        pass
    flood.close()


# ---- 2.1 to 2.4
def binary_and_text(offender, client):
    client.send("SEND", {"destination": "/topic/offence", "content-length": "4"}, b"\xff\xfe\0\x80")
    client.send("SEND", {"destination": "/topic/offence"}, "täxt".encode())
    read_some(client, 0.02)


def foreign_acks(offender, client):
    client.send("ACK", {"id": "1f3ac402-17"})
    read_some(client)


def acks_by_message_id(offender, client):
    client.subscribe("q", "/queue/offenders", ack="client-individual", prefetch_count="5")
    for _ in range(10):
        client.send("SEND", {"destination": "/queue/offenders"}, b"job")
    for _ in range(10):
        job = client.message(10)
        client.confirmed("ACK", {"id": job.get("message-id")})
    client.confirmed("UNSUBSCRIBE", {"id": "q"})


def stream_from_the_start(offender, client):
    if offender.client_is_new:
        client.subscribe("st", "/queue/offenders.stream", ack="client-individual",
                         x_queue_type="stream", durable="true", auto_delete="false",
                         prefetch_count="10", x_stream_offset="first")
    client.send("SEND", {"destination": "/queue/offenders.stream", "x-queue-type": "stream",
                         "durable": "true", "auto-delete": "false"}, b"event")
    client.pump(0.1)
    for frame in [f for f in client.inbox if f.command == "MESSAGE"]:
        client.send("ACK", {"id": frame.get("ack")})
    client.inbox.clear()


def blanks_of_version_10(offender, client):
    other = StompClient(websocket(offender.port), 5)
    other.send_raw(b"CONNECT\naccept-version:1.0\nhost:/\n\n\0")
    other.take(lambda frame: frame.command == "CONNECTED", 10, "CONNECTED")
    other.send_raw(b"SUBSCRIBE\nid: x\ndestination: /topic/offence\n\n\0"
                   b"SEND\ndestination: /topic/offence\n\nx\0")
    other.pump(0.3)
    other.close()


class Offender:
    """One client that goes through its offences again and again until stop()."""

    def __init__(self, gateway, name, offences, watched, pause=0.1):
        self.port, self.name, self.offences = gateway.port, name, offences
        self.watched = watched    # a neighbour's topic
        self.pause = pause
        self.crowd = []
        self.done = {one.__name__: 0 for one in offences}
        self.trouble = None
        self.client_is_new = True
        self._stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _connect(self):
        client = StompClient(websocket(self.port), 10)
        client.send_raw(encode("CONNECT", {"accept-version": "1.0,1.1,1.2", **SHARED}))
        client.take(lambda frame: frame.command == "CONNECTED", 10, "CONNECTED")
        self.client_is_new = True
        return client

    def _run(self):
        client = None
        for offence in itertools.cycle(self.offences):
            if self._stop.wait(self.pause):
                break
            try:
                client = client or self._connect()
                offence(self, client)
                self.done[offence.__name__] += 1
                self.client_is_new = False
            except (EndOfStream, OSError):
                self.done[offence.__name__] += 1
                client = None
            except Failure as why:
                self.trouble = f"{offence.__name__}: {why}"
                client = None
        if client is not None:
            client.close()

    def stop(self):
        self._stop.set()
        self.thread.join(20)
        for one in self.crowd:
            one.close()
