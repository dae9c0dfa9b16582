"""Clients that do all right beside clients that offend: who gets what, through switches.

A neighbour publishes to a topic of its own with a receipt each, one at a time, and reads it back.
An offender says, over and over, frames that a broker answers with an ERROR, and comes back where it
was closed for one."""

import re
import threading
import time

from checks import Failure, require
from stomp_client import EndOfStream


class Neighbour(threading.Thread):
    def __init__(self, gateway, number, stop):
        super().__init__(daemon=True)
        self.client = gateway.client()
        self.topic = f"/topic/neighbour.{number}"
        self.client.subscribe("s", self.topic)
        self.stop, self.confirmed, self.doubts, self.fault = stop, [], 0, None
        self.start()

    def run(self):
        number = 0
        try:
            while not self.stop.is_set():
                number += 1
                body = b"%d" % number
                try:
                    self.client.confirmed("SEND", {"destination": self.topic}, body, timeout=4)
                    self.confirmed.append(body)
                except EndOfStream:
                    raise
                except Failure:
                    self.doubts += 1  # its link was ended by another: the SEND is in doubt
        except Exception as error:
            self.fault = error

    def judge(self, doubts=0):
        self.join(20)
        require(self.fault is None, f"{self.topic}: {self.fault!r}")
        self.client.quiet(0.5, "NONE")
        got = [frame.body for frame in self.client.inbox if frame.command == "MESSAGE"]
        errors = [frame for frame in self.client.history if frame.command == "ERROR"]
        require(not errors, f"{self.topic} got another's ERROR: {errors[:1]}")
        missing = set(self.confirmed) - set(got)
        require(not missing, f"{self.topic} lost {len(missing)} of {len(self.confirmed)}")
        require(len(got) == len(set(got)), f"{self.topic} got some twice")
        require(got == sorted(got, key=int), f"{self.topic} got some out of order")
        require(self.confirmed, f"{self.topic} got no RECEIPT at all")
        require(self.doubts <= doubts, f"{self.topic}: {self.doubts} RECEIPTs never came")


class Offender(threading.Thread):
    """`say(number)`: command, headers and body of the next frame."""

    def __init__(self, gateway, say, stop, pause=0.05):
        super().__init__(daemon=True)
        self.gateway, self.say, self.stop, self.pause = gateway, say, stop, pause
        self.errors, self.receipts, self.closed, self.fault = [], [], 0, None
        self.start()

    def run(self):
        number, client = 0, None
        try:
            while not self.stop.is_set():
                client = client or self.gateway.client()
                number += 1
                command, headers, body = self.say(number)
                bad = f"bad-{number}" if number % 2 else None
                if bad:
                    headers = dict(headers, receipt=bad)
                client.send(command, headers, body)
                try:
                    client.quiet(self.pause, "NONE")
                except EndOfStream:
                    self.closed += 1
                    self.note(client)
                    client = None
                    continue
                self.note(client)
        except Exception as error:
            self.fault = error
        if client:
            client.close()

    def note(self, client):
        self.errors += [frame for frame in client.inbox if frame.command == "ERROR"]
        self.receipts += [frame.get("receipt-id") for frame in client.inbox
                          if frame.command == "RECEIPT"]
        client.inbox.clear()

    def judge(self):
        self.join(20)
        require(self.fault is None, f"an offender: {self.fault!r}")
        lies = [name for name in self.receipts if name.startswith("bad-")]
        require(not lies, f"RECEIPTs for what was refused: {lies[:3]}")


def beside(gateway, says, switches, expected=(0,), neighbours=4, doubts=0, strict=False):
    """Switches while `says`, each an offender's, go on beside neighbours; (offenders, reports).
    `strict`, one shard: what a report counts is of no neighbour, who came first."""
    stop = threading.Event()
    others = [Neighbour(gateway, number, stop) for number in range(neighbours)]
    offenders = [Offender(gateway, say, stop) for say in says]
    reports = []
    try:
        color = gateway.live()
        for _ in range(switches):
            time.sleep(0.4)  # some of every kind between two switches
            color = "green" if color == "blue" else "blue"
            status, report = gateway.ctl_json("switch", color, "--yes")
            reports.append(report)
            require(status in expected, f"switch {color}: exit {status}: "
                    f"{report.get('counted')} {report.get('reason', '')}")
            named = [int(number) for line in report.get("counted") or ()
                     for number in re.findall(r"\b\d+-(\d+)\b", line)]
            if strict:
                require(not [n for n in named if n <= neighbours], f"counted: {report['counted']}")
    finally:
        stop.set()
    for one in others:
        one.judge(doubts)
    for one in offenders:
        one.judge()
    gateway.drop_nothing()
    return offenders, reports
