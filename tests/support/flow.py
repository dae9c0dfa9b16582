"""One publisher and one subscriber that never stop, a thread each: what a neighbour notices.

The publisher sends numbers with a receipt each; the subscriber keeps what it reads. `finish`
judges by contract.md: disconnected, lost (confirmed and not received), duplicated, reordered.
"""

import itertools
import threading
import time

from checks import Failure, eventually, require

_names = itertools.count(1)


class Flow:
    def __init__(self, gateway, destination=None, interval=0.01, **connect):
        self.destination = destination or f"/topic/flow.{next(_names)}"
        self.interval = interval
        self.received = []
        self.redelivered = set()
        self.sent = 0
        self.confirmed = set()
        self.troubles = []
        self.name = "flow " + self.destination
        self._stop_publishing = threading.Event()
        self._stop = threading.Event()
        self.subscriber = gateway.client(**connect)
        self.subscriber.subscribe("flow", self.destination)
        self.publisher = gateway.client(**connect)
        self.threads = [threading.Thread(target=self._guarded, args=(body,), daemon=True)
                        for body in (self._publish, self._subscribe)]
        for thread in self.threads:
            thread.start()

    def _guarded(self, body):
        try:
            body()
        except Exception as trouble:
            if not self._stop.is_set():
                self.troubles.append(f"{body.__name__[1:]}: {trouble}")

    def _publish(self):
        while not self._stop.is_set():
            if not self._stop_publishing.is_set():
                self.sent += 1
                self.publisher.send("SEND", {"destination": self.destination,
                                             "receipt": str(self.sent)}, b"%d" % self.sent)
            until = time.monotonic() + self.interval
            while (left := until - time.monotonic()) > 0:
                self.publisher.pump(left)
            while self.publisher.inbox:
                frame = self.publisher.inbox.pop(0)
                if frame.command != "RECEIPT":
                    raise Failure(f"got {frame}")
                if int(frame.get("receipt-id")) in self.confirmed:
                    raise Failure(f"a second RECEIPT for {frame.get('receipt-id')}")
                self.confirmed.add(int(frame.get("receipt-id")))

    def _subscribe(self):
        while not self._stop.is_set():
            self.subscriber.pump(0.1)
            while self.subscriber.inbox:
                frame = self.subscriber.inbox.pop(0)
                if frame.command != "MESSAGE":
                    raise Failure(f"got {frame}")
                if frame.get("redelivered") == "true":
                    self.redelivered.add(int(frame.body))
                self.received.append(int(frame.body))

    def await_more(self, count=20, timeout=20):
        """Until `count` more than now have come: the flow is alive."""
        goal = len(self.received) + count
        eventually(lambda: self.troubles or len(self.received) >= goal, timeout,
                   f"{self.name}: {count} more messages")
        require(not self.troubles, f"{self.name}: {self.troubles}")

    def end_publishing(self, timeout=15):
        """Until all has come that was confirmed: a RECEIPT may be read before its MESSAGE. The
        confirmed ones that have not come."""
        self._stop_publishing.set()
        until = time.monotonic() + timeout
        while not self.troubles and time.monotonic() < until:
            if len(self.confirmed) == self.sent and self.confirmed <= set(self.received):
                break
            time.sleep(0.05)
        return sorted(self.confirmed - set(self.received))

    def finish(self, lossless=True, timeout=15, ordered=True):
        """Stops publishing, waits for what is owed, ends both sessions and judges. Not `ordered`:
        behind a seam that was forced, and says so."""
        self._stop_publishing.set()
        try:
            if lossless:
                eventually(lambda: self.troubles or (
                    len(self.confirmed) == self.sent
                    and self.confirmed <= set(self.received)), timeout,
                    f"{self.name}: RECEIPT and MESSAGE of all {self.sent} "
                    f"({len(self.confirmed)} and {len(set(self.received))} came)")
        finally:
            self.stop()
        require(not self.troubles, f"{self.name}: {self.troubles}")
        plain = [n for n in self.received if n not in self.redelivered]
        require(len(set(plain)) == len(plain), f"{self.name}: duplicated")
        require(not ordered or plain == sorted(plain), f"{self.name}: reordered")
        require(plain, f"{self.name}: nothing came")

    def stop(self):
        self._stop.set()
        for thread in self.threads:
            thread.join(5)
        for client in (self.publisher, self.subscriber):
            client.close()
