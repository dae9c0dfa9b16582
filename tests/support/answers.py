"""Questions to one live RabbitMQ node over raw sockets: the base of the rabbitmq_*.test files that
keep the answers in tests/conformance/README.md true. No gateway takes part."""

import rabbitmq
from checks import Failure, Scene, Skip, Test
from stomp_client import StompClient, encode, tcp, websocket

QUEUE = "stomp-subscription-teal-"
TRIAL = (encode("SEND", {"destination": "/amq/queue/teal-none", "receipt": "routed"})
         + encode("BEGIN", {"transaction": "t"})
         + encode("ABORT", {"transaction": "t", "receipt": "received"}))


class Node:
    def __init__(self, node):
        self.node = node

    def raw(self):
        return StompClient(tcp(self.node.stomp_port), timeout=10)

    def client(self, **how):
        client = self.raw()
        client.connect(**how)
        return client

    def web(self, **how):
        client = StompClient(websocket(self.node.web_port, **how), timeout=10)
        client.connect()
        return client

    def outcome(self, data, client=None, seconds=3):
        """Everything that answers `data`, and whether the link ended."""
        client = client or self.client()
        known = len(client.history)
        client.send_raw(data)
        try:
            client.read_to_end(seconds)
            ended = True
        except Failure:
            ended = False
        return client.history[known:], ended


def run(name, checks_class):
    """Every public method of `checks_class(node)` is a check; all share one node."""
    test, scene = Test(name, seconds=180), Scene(name)
    try:
        node, = rabbitmq.Farm(scene).nodes("answers")
    except Skip as reason:
        test.line("skip", name, str(reason))
        scene.close()
        test.end()
    except Exception as error:
        test.line("not ok", name, str(error))
        scene.print_tails()
        scene.close()
        test.end()
    subject = checks_class(node)
    for check, body in vars(checks_class).items():
        if not check.startswith("_"):
            test.run(check, lambda it, body=body: body(subject, it), scene)
    scene.close()
    test.end()
