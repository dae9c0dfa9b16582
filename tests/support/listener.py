"""The listener that a conformance test asks: a gateway over one embedded broker a color, with a
neighbour that keeps publishing and receiving meanwhile; or, to try the tests themselves, any STOMP
over WebSocket server on loopback: $TEAL_WEBSOCKET_PORT (and no neighbour is watched then).
"""

import os

import teal
from checks import Scene, Skip, Test, require, require_equal
from flow import Flow
from stomp_client import StompClient, WebSocketTransport, websocket
from websocket_client import WebSocket


class Listener:
    def __init__(self, scene, **sections):
        self.foreign = int(os.environ.get("TEAL_WEBSOCKET_PORT", "0"))
        self.neighbour = None
        if self.foreign:
            self.port = self.foreign
            return
        self.gateway, self.brokers = teal.pair(scene, threads=1, **sections)
        self.port = self.gateway.port
        self.neighbour = scene.own(Flow(self.gateway))
        self.neighbour.await_more()

    def raw(self, **options):
        """A WebSocket after the upgrade, no STOMP said."""
        socket = WebSocket("127.0.0.1", self.port, **options)
        socket.upgrade()
        return socket

    def web(self, **options):
        """A StompClient that has not sent CONNECT."""
        return StompClient(websocket(self.port, **options), timeout=10)

    def client(self, connect=None, **options):
        client = self.web(**options)
        client.connect(**(connect or {}))
        return client

    def over(self, socket):
        """A StompClient on a raw WebSocket."""
        transport = WebSocketTransport.__new__(WebSocketTransport)
        transport.websocket, transport.socket = socket, socket.socket
        transport.binary, transport.opcodes = False, []
        return StompClient(transport, timeout=10)

    def closes(self, code, data, socket=None):
        """`data` is answered by CLOSE with this code (or one of several)."""
        socket = socket or self.raw()
        try:
            socket.send_bytes(data)
        except OSError:
            pass  # refused before all of it was read: the code is there to read
        codes = code if isinstance(code, tuple) else (code,)
        got = socket.await_close()
        require(got in codes, f"closed with {got}, expected {codes}: {data[:24]!r}")
        socket.close()


def run(name, checks_class, seconds=120, **sections):
    """Runs every public method of `checks_class(listener)` that takes a scene, as a check."""
    test = Test(name, seconds)
    run_checks(test, name, checks_class, **sections)
    test.end()


def run_all(name, classes, seconds=120):
    """The same for several classes, each with a listener of its own."""
    test = Test(name, seconds)
    for checks_class, options in classes:
        run_checks(test, checks_class.__name__, checks_class, listener=options)
    test.end()


def run_checks(test, name, checks_class, **sections):
    scene = Scene(name)
    try:
        subject = checks_class(scene, **sections)
    except Skip as reason:
        test.line("skip", name, str(reason))
        scene.close()
        return
    except Exception as error:
        test.line("not ok", name, str(error))
        scene.print_tails()
        scene.close()
        return
    for kind in reversed(checks_class.__mro__):
        for check, body in vars(kind).items() if issubclass(kind, Listener) else ():
            if not check.startswith("_") and kind is not Listener:
                test.run(check, lambda it, body=body: body(subject, it), scene)
    if subject.neighbour:
        test.run("neighbour_noticed_nothing", lambda _: neighbour_is_well(subject), scene)
    scene.close()


def neighbour_is_well(subject):
    subject.neighbour.await_more()
    subject.neighbour.finish()
    require_equal(len(subject.neighbour.confirmed), subject.neighbour.sent, "RECEIPTs")
