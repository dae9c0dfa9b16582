"""Listeners of a gateway beside its first one, and clients that come in through them."""

import itertools
import os
import socket
import struct

from processes import free_port
from stomp_client import StompClient, tcp, websocket

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_names = itertools.count(1)


class Door:
    """One more entry of `listeners`; stands where a gateway does for those who only want clients."""

    def __init__(self, scene=None, protocol="stomp", client_tls=None, **keys):
        """`client_tls`: what clients open with, an ssl.SSLContext, where the entry has `tls`."""
        self.client_tls = client_tls
        if scene:
            self.port, self.host = 0, f"unix:{os.path.join(scene.folder, f's{next(_names)}')}"
            bind = self.host
        else:
            self.port, self.host = free_port(), "127.0.0.1"
            bind = f"127.0.0.1:{self.port}"
        self.protocol = protocol
        self.entry = {"bind": bind, "protocol": protocol, **keys}

    @property
    def path(self):
        return self.host.removeprefix("unix:")

    @property
    def url(self):
        return f"stomp://127.0.0.1:{self.port}" if self.protocol == "stomp" else f"ws://127.0.0.1:{self.port}/ws"

    def open(self, timeout=15, **stream):
        """A client that has said nothing of STOMP yet."""
        if self.client_tls:
            stream = {"tls": self.client_tls, "name": "localhost", **stream}
        if self.protocol == "stomp":
            return StompClient(tcp(self.port, host=self.host, **stream), timeout)
        headers = {"Host": "localhost"}
        return StompClient(websocket(self.port, host=self.host, headers=headers, **stream), timeout)

    def client(self, timeout=15, transport=None, **connect):
        client = self.open(timeout, **(transport or {}))
        client.connect(**connect)
        return client


def proxy_v1(source="192.0.2.7", port=40112, family="TCP4", destination="198.51.100.1"):
    return f"PROXY {family} {source} {destination} {port} 443\r\n".encode()


def proxy_v2(source="192.0.2.7", port=40112, command=1, family=None, rest=b"", tlvs=b""):
    """`source`: an address, "unix", or None for no addresses; `rest` stands for them as they are."""
    if source is None:
        kind, addresses = 0x00, rest
    elif source == "unix":
        kind, addresses = 0x31, b"/run/client".ljust(108, b"\0") + bytes(108)
    elif ":" in source:
        kind = 0x21
        addresses = socket.inet_pton(socket.AF_INET6, source) + bytes(15) + b"\1" + struct.pack("!HH", port, 443)
    else:
        kind = 0x11
        addresses = socket.inet_aton(source) + bytes([198, 51, 100, 1]) + struct.pack("!HH", port, 443)
    behind = addresses + tlvs
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, kind if family is None else family, len(behind)) + behind
