"""What all brokers of somebody else's have that a test starts: their addresses, a client without a
gateway between, and the wait until they answer.
"""

from checks import Failure
from processes import can_connect
from stomp_client import StompClient, tcp


class OutsideBroker:
    """One that has `process`, `stomp_port` and `web_port`; STOMP over WebSocket is at `web_path`."""

    web_path = "/ws"

    def listening_ports(self):
        """Those that must be open before it is asked."""
        return [self.stomp_port]

    def await_ready(self, timeout=120):
        """Until it answers CONNECT: its listeners open before its users are there."""
        def answers():
            if not all(can_connect(port) for port in self.listening_ports()):
                return False
            try:
                self.client(5).close()
                return True
            except (Failure, OSError):
                return False
        self.process.await_true(answers, timeout, "answering CONNECT")
        return self

    @property
    def url(self):
        return f"stomp://127.0.0.1:{self.stomp_port}"

    @property
    def web_url(self):
        return f"ws://127.0.0.1:{self.web_port}{self.web_path}"

    def client(self, timeout=15, **connect):
        """A connected StompClient, without a gateway between."""
        client = StompClient(tcp(self.stomp_port), timeout)
        client.connect(**connect)
        return client


def start_all(kind, scene, *names, **options):
    """Brokers of that class, side by side; waits for all."""
    brokers = [kind(scene, name, **options) for name in names]
    for broker in brokers:
        broker.await_ready()
    return brokers
