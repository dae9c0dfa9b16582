"""Clients of the Spring application behind a gateway that is switched: each uses all of its mappings,
and notes what did not come.
"""

import sys
import threading
import time
from dataclasses import dataclass, field

import systems
import teal
from checks import Failure, eventually, require, require_equal
from stomp_client import EndOfStream, StompClient, websocket

CARRIES = ("Sessions, subscriptions, answers that the old version still has in hand for the length "
           "of the overlap. Not: order between the versions, state in the application's memory.")
HEALTH = {"interval": "200ms"}  # probes as often as ten endpoints' would be


@dataclass
class Login:
    """Who a client is to the application, and what it says for that."""
    who: str = "nobody"
    handshake: list = field(default_factory=list)
    connect: dict = field(default_factory=dict)


@dataclass
class Pace:
    """How hard the clients work."""
    between: float = 0  # seconds between two questions
    patience: float = 1  # how long an answer may take
    slow: float = 2  # seconds between two questions that take a second
    say: int = 5  # every so many questions, one thing is said to all
    snapshot: int = 4
    arrive: float = 0  # seconds between two clients' coming


class Member(threading.Thread):
    """One client: asks, says, subscribes to snapshots."""

    def __init__(self, port, number, login=None, relay=False, pace=None):
        super().__init__(daemon=True)
        self.relay, self.number, self.login = relay, number, login or Login()
        self.pace = pace or Pace()
        self.client = StompClient(websocket(port, headers=self.login.handshake),
                                  timeout=max(30, 3 * self.pace.patience))
        self.stopping = threading.Event()
        self.asked = self.answered = self.snapshots = self.questions = 0
        self.missing, self.fault, self.wrong = [], None, []
        self.said, self.ticks, self.in_hand = set(), [], set()
        self.slow_at = time.monotonic() + self.pace.slow * (number % 20) / 20 if self.pace.slow > 2 else 0
        self.version = None

    def run(self):
        try:
            self.client.connect(**self.login.connect)
            for name, destination in (("said", "/topic/said"), ("ticks", "/topic/ticks"),
                                      ("answers", "/user/queue/answers")):
                self.client.subscribe(name, destination)
            # A simple broker answers no SUBSCRIBE: what is asked ahead of it is answered to nobody.
            while not self.question("/app/ask", 1) and not self.stopping.is_set():
                pass
            while not self.stopping.is_set():
                self.ask()
                if self.asked % self.pace.snapshot == 0 and not (self.relay and self.snapshots > 4):
                    self.snapshot()
                if time.monotonic() >= self.slow_at:  # 32 threads work for a second on each
                    self.slow_at = time.monotonic() + self.pace.slow
                    self.in_hand.add(word := f"{self.number}.{self.asked}")
                    self.client.send("SEND", {"destination": "/app/slow"}, word.encode())
                if self.asked % self.pace.say == 0:
                    self.client.send("SEND", {"destination": "/app/say"},
                                     f"{self.number}.{self.asked}".encode())
                if self.pace.between:
                    self.await_message("none", lambda body: False, None, self.pace.between)
            until = time.monotonic() + 10
            while self.in_hand and time.monotonic() < until:
                self.await_message("none", lambda body: False, None, 0.2)
        except EndOfStream as end:
            self.fault = f"disconnected: {end} {end.close}"
        except (Failure, OSError) as error:
            self.fault = str(error)

    def await_message(self, name, wanted, what, seconds):
        """Its body when it came. Everything else is noted on the way."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                frame = self.client.next(max(0.01, until - time.monotonic()))
            except EndOfStream:
                raise
            except Failure:
                break
            if frame.command == "ERROR":
                raise Failure(f"ERROR: {frame} {frame.body[:200]}")
            body = frame.body.decode()
            if frame.get("subscription") == name and wanted(body):
                return body
            if " slow " in body:
                self.in_hand.discard(body.split()[2])
            if frame.get("subscription") == "said":
                self.said.add(body)
            elif frame.get("subscription") == "ticks":
                self.ticks.append(body)
        if what is not None:
            self.missing.append(what)
        return None

    def ask(self):
        self.asked += 1
        word = f"q{self.number}.{self.asked}"
        self.client.send("SEND", {"destination": "/app/ask"}, word.encode())
        body = self.await_message("answers", lambda body: body.endswith(" " + word), word,
                                  self.pace.patience)
        if body:
            self.answered += 1
            self.version = body.split()[0]
            if body.split()[1] != self.login.who:
                self.wrong.append(body)

    def enter(self):
        """Connects and subscribes in the thread of the test, instead of run(); back when an answer came."""
        self.client.connect(**self.login.connect)
        self.client.subscribe("answers", "/user/queue/answers")
        eventually(lambda: self.question("/app/ask", 0.5), 20, "the first answer")
        return self

    def question(self, destination, seconds=10):
        """Asks once, in the thread of the test; the answer."""
        self.questions += 1
        self.client.send("SEND", {"destination": destination}, b"%d" % self.questions)
        return self.await_message("answers", lambda body: True, None, seconds)

    def snapshot(self):
        name = f"snap{self.asked}"
        self.client.subscribe(name, "/app/snapshot")
        self.snapshots += bool(self.await_message(
            name, lambda body: body.endswith("snapshot"), name, self.pace.patience))
        # A relay would hand that on to a broker that knows of no such subscription, which ends the
        # session of whoever says it, also without a gateway.
        if not self.relay:
            self.client.send("UNSUBSCRIBE", {"id": name})


def gateway_over(scene, apps, path="", forward=(), health=HEALTH, identity=None, **sections):
    """A gateway with nothing but the URLs, the headers that it says again, and `identity` (S19)."""
    of_color = {**({"health": health} if health else {}), **({"identity": identity} if identity else {})}
    return teal.Gateway(
        scene, [apps["blue"].url(path)], [apps["green"].url(path)], threads=1,
        colors={color: of_color for color in teal.COLORS} if of_color else {},
        listener={"forward_headers": list(forward)} if forward else {}, **sections)


class Fleet:
    """`logins`: one a client. What it does to the applications is counted from here on."""

    def __init__(self, gateway, apps, logins, relay=False, pace=None):
        self.gateway, self.apps, self.relay, self.live = gateway, apps, relay, "blue"
        # Whoever was here before is seen leaving first.
        eventually(lambda: sum(app.stats()["joins"] - app.stats()["leaves"] for app in apps.values()) == 0,
                   20, "nobody else is present")
        self.before = {name: app.stats() for name, app in apps.items()}
        self.members, self.gone, self.reports, self.statuses = [], [], [], []
        for number, login in enumerate(logins):
            self.members.append(member := Member(gateway.port, number, login, relay, pace))
            member.start()
            if pace and pace.arrive:
                time.sleep(pace.arrive)
        gateway.await_sessions(len(self.members), 90)
        self.await_answers(3, "answers for everybody")

    def grown(self, what):
        return sum(app.stats()[what] - self.before[color][what] for color, app in self.apps.items())

    def await_answers(self, more, what, seconds=90):
        had = [member.answered for member in self.members]
        eventually(lambda: all(member.answered >= some + more or member.fault
                               for member, some in zip(self.members, had)), seconds, what)

    def switch(self, status):
        self.live = teal.other(self.live)
        done, report = self.gateway.ctl_json("switch", self.live, "--yes", timeout=120)
        self.statuses.append(done)
        self.reports.append(report)
        require_equal(done, status, f"exit status; {report}")
        self.await_answers(2, f"answers from {self.live}")

    def stop(self, members):
        for member in members:
            member.stopping.set()
        for member in members:
            member.join(30)

    def leave(self, count):
        """So many clients go, one leave each is seen, and no more."""
        before = self.grown("leaves")
        self.gone += (going := self.members[:count])
        self.members = self.members[count:]
        self.stop(going)
        for member in going:
            member.client.transport.close()
        eventually(lambda: self.grown("leaves") == before + count or None, 20,
                   f"the leaves of {count} clients")

    def judge(self, guarded=False):
        """Stops all and demands that nobody was hurt and nothing is missing. `guarded`: an application
        that refuses what the gateway tries on links of its own, and logs that."""
        self.stop(self.members)
        everybody = self.members + self.gone
        missing = [what for member in everybody for what in member.missing]
        print(f"# switches {self.statuses}; asked {sum(m.asked for m in everybody)}, answered "
              f"{sum(m.answered for m in everybody)}, snapshots {sum(m.snapshots for m in everybody)}, "
              f"missing {len(missing)}: {missing[:8]}; took "
              f"{[report['duration_ms'] for report in self.reports]} ms", file=sys.stderr, flush=True)
        require_equal([member.fault for member in everybody if member.fault], [], "who was hurt")
        require_equal(self.gateway.metric("teal_switch_client_disconnects_total"), 0, "disconnects")
        require_equal({member.version for member in self.members}, {self.apps[self.live].version},
                      "who answers")
        require_equal([one for member in everybody for one in member.wrong], [], "others' answers")
        require(all(member.snapshots > 0 for member in everybody), "a client got no snapshot")
        require_equal(missing, [], "answers that are missing")
        require_equal([word for member in everybody for word in member.in_hand], [],
                      "slow answers that are missing")
        count, gone = len(everybody), len(self.gone)
        require_equal((self.grown("joins"), self.grown("leaves")), (count, gone), "joins and leaves")
        self.leave(len(self.members))
        for app in self.apps.values():
            # A simple broker ends no connection for a DISCONNECT: the gateway does not wait for that.
            eventually(lambda app=app: app.stats()["current"] == 0 or None, 6, f"{app.name}: all gone")
            numbers = app.stats()
            require_equal((numbers["abnormally"], numbers["transport"]), (0, 0),
                          f"{app.name} ended badly: {numbers}")
            # A relay keeps no order: behind the last SEND of a session that leaves, it complains of that.
            if not self.relay and not guarded:
                require_equal(app.complaints(), [], f"the log of {app.name}")

    def note(self, system, words=CARRIES):
        systems.note(system, len(self.members) + len(self.gone), self.reports, words)
