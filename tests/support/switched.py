"""What clients do through a gateway over two brokers while it is switched: artemis.test, activemq.test
and activemq_to_artemis.test share it. A kind's own words (how a durable subscription is named, what a prefetch
is called) come from the test.
"""

import os
import threading
import time

import systems
import teal
from checks import Failure, eventually, require, require_equal
from mix import KINDS, Mix
from stomp_client import EndOfStream

SWITCHES = 10
# While seams are best effort on these brokers, a stall of the machine must not pass for quiet.
PATIENT = {"switch": {"seam_quiet": "500ms"}}


class Stack:
    """A gateway over the brokers, with the settings it comes with unless `settings` says more."""

    def __init__(self, scene, brokers, settings=None, fences=("kept",)):
        self.scene, self.brokers, self.fences = scene, brokers, fences
        self.gateway = teal.Gateway(scene, [brokers[0].url], [brokers[1].url], threads=1,
                                    **(settings or {}))
        self.live, self.statuses, self.counted, self.reports = "blue", [], set(), []

    def client(self, login="guest", **more):
        return self.gateway.client(login=login, passcode=login, **more)

    def learn(self, login="guest"):
        """The first switch of an identity with a topic waits for marks that do not come, and forces
        its seams. A client that says nothing takes that upon itself, and stays."""
        first = self.client(login)
        first.subscribe("first", f"/topic/open.first.{os.getpid()}")
        self.scene.own(first)
        self.switch()
        self.switch()
        return self

    def switch(self):
        """To the other color; every session has to move, with a fence as it is expected."""
        self.live = teal.other(self.live)
        status, report = self.gateway.ctl_json("switch", self.live, "--yes")
        require(status in (0, 6), f"switch to {self.live}: exit {status}, "
                f"{report.get('failures')}, {report.get('reason')}")
        require_equal((report["result"], report["sessions"]["failed"]), ("switched", 0),
                      f"switch to {self.live}: result, failed")
        require(report["fence"] in self.fences, f"switch to {self.live}: fence {report['fence']}")
        self.statuses.append(status)
        self.reports.append(report)
        self.counted |= set(report["counted"])

    def nobody_was_hurt(self, statuses):
        """`statuses`: what tealctl may end with here. Only seams may have been counted."""
        require(set(self.statuses) <= set(statuses), f"exit statuses {self.statuses}")
        allowed = ("seam",) if self.fences == ("kept",) else ("seam", "fence")
        other = [line for line in self.counted if not any(word in line for word in allowed)]
        require_equal(other, [], "counted beside seams")
        self.gateway.drop_nothing()
        print(f"# exit statuses {self.statuses}", flush=True)


def passcode_file(scene):
    path = os.path.join(scene.folder, "passcode")
    with open(path, "w") as file:
        file.write("guest\n")
    return path


def fleet(brokers, statuses, clients=20, system=None, words=None):
    """Topics, receipts and transactions of a fleet; switches back to back. (Its queues have the names
    of its topics, which on Artemis would be one address.) `system`, `words`: of docs/systems.md."""
    def body(scene):
        stack = Stack(scene, brokers, PATIENT).learn()
        kinds = {name: KINDS[name] for name in ("topics", "transactions")}
        mix = Mix(scene, stack.gateway.url, clients, kinds=kinds, login="guest",
                  passcode_file=passcode_file(scene), drain_seconds=60).await_sending()
        stack.gateway.await_sessions(mix.clients + 1)
        for _ in range(SWITCHES):
            stack.switch()
        print(f"# {mix.clean()}", flush=True)
        stack.nobody_was_hurt(statuses)
        if system:
            systems.note(system, mix.clients, stack.reports[2:], words)
    return body


class QueueClient(threading.Thread):
    """Sends numbers to a queue of its own and reads them back in one ack mode."""

    def __init__(self, stack, number, mode):
        super().__init__(daemon=True)
        self.mode, self.queue = mode, f"/queue/own.{os.getpid()}.{mode}.{number}"
        self.client = stack.client(timeout=60)
        self.stopping = threading.Event()
        self.wanted, self.came, self.fault, self.sent = set(), set(), None, 0

    def run(self):
        try:
            ack = "client-individual" if self.mode == "transactions" else self.mode
            self.client.subscribe("s", self.queue, ack=ack)
            while not self.stopping.is_set():
                self.round()
            until = time.monotonic() + 60
            while self.wanted - self.came and time.monotonic() < until:
                self.client.pump(1)
                self.read()
            self.client.close()
        except (Failure, OSError) as error:
            self.fault = f"{self.mode}: {error}"

    def round(self):
        if self.mode == "transactions":
            self.transaction("COMMIT")
            self.transaction("ABORT")
        else:
            self.client.confirmed("SEND", {"destination": self.queue}, self.next())
            self.wanted.add(self.sent)
        self.read()

    def next(self):
        self.sent += 1
        return str(self.sent).encode()

    def transaction(self, end):
        name = f"t{self.sent}"
        self.client.send("BEGIN", {"transaction": name})
        numbers = []
        for _ in range(3):
            self.client.send("SEND", {"destination": self.queue, "transaction": name}, self.next())
            numbers.append(self.sent)
        self.client.confirmed(end, {"transaction": name})
        if end == "COMMIT":
            self.wanted |= set(numbers)

    def read(self):
        """Judges and acknowledges what came."""
        frames, self.client.inbox = self.client.inbox, []
        last = None
        for frame in frames:
            if frame.command != "MESSAGE":
                raise Failure(f"unexpected {frame}")
            number = int(frame.body)
            if number in self.came and frame.get("redelivered") != "true":
                raise Failure(f"{number} came twice")
            self.came.add(number)
            last = frame.get("ack")
            if self.mode in ("client-individual", "transactions"):
                self.client.send("ACK", {"id": last})
        if last and self.mode == "client":
            self.client.send("ACK", {"id": last})


def queues(brokers, statuses):
    """Every ack mode, receipts, COMMIT and ABORT; switches back to back."""
    def body(scene):
        stack = Stack(scene, brokers)
        clients = [QueueClient(stack, number, mode) for number in range(2)
                   for mode in ("auto", "client", "client-individual", "transactions")]
        for client in clients:
            client.start()

        def await_more(least=3):
            had = [len(one.came) for one in clients]
            eventually(lambda: all(one.fault or len(one.came) >= before + least
                                   for one, before in zip(clients, had)), 60, "messages for all")
        await_more()
        for number in range(SWITCHES):
            stack.switch()
            if number % 4 == 3:
                await_more()
        await_more()
        for client in clients:
            client.stopping.set()
        for client in clients:
            client.join(120)
        require_equal([one.fault for one in clients if one.fault], [], "who was hurt")
        for one in clients:
            require_equal(one.came ^ one.wanted, set(), f"{one.mode}: lost, or came from an ABORT")
        print(f"# {sum(one.sent for one in clients)} sent, each came", flush=True)
        stack.nobody_was_hurt(statuses)
    return body


def selectors(brokers, statuses):
    """A selector selects on both colors, on a topic and on a queue."""
    def body(scene):
        stack = Stack(scene, brokers, PATIENT).learn()
        # One name for both would be one address on Artemis, whose topic is then read as a queue.
        clients = {f"/{kind}/select.{kind}.{os.getpid()}": stack.client()
                   for kind in ("topic", "queue")}
        for place, client in clients.items():
            client.subscribe("s", place, selector="colour = 'red'")
        for number in range(4):
            for place, client in clients.items():
                for colour in ("blue", "red"):
                    client.confirmed("SEND", {"destination": place, "colour": colour},
                                     f"{colour} {number}".encode())
                frame = client.message(60)
                require_equal(frame.body, f"red {number}".encode(), f"selected on {place}")
            stack.switch()
        for client in clients.values():
            client.close()
        stack.nobody_was_hurt(statuses)
    return body


def nacks(brokers, statuses):
    """A NACK is answered, its message does not come again, and the next one comes."""
    def body(scene):
        stack = Stack(scene, brokers)
        client = stack.client()
        queue = f"/queue/nack.{os.getpid()}"
        client.subscribe("s", queue, ack="client-individual")
        for number in range(6):
            client.confirmed("SEND", {"destination": queue}, str(number).encode())
            frame = client.message(60)
            require_equal(frame.body, str(number).encode(), "the next message")
            client.confirmed("NACK" if number % 2 else "ACK", {"id": frame.get("ack")})
            stack.switch()
        client.close()
        stack.nobody_was_hurt(statuses)
    return body


def durable(brokers, statuses, header):
    """What is sent while the subscriber is away waits for it; `header` names the subscription."""
    def body(scene):
        stack = Stack(scene, brokers, PATIENT).learn()
        topic, name = f"/topic/durable.{os.getpid()}", f"teal{os.getpid()}"
        publisher = stack.client()

        def come():
            client = stack.client(**{"client-id": name})
            client.subscribe("d", topic, ack="client-individual", **{header: name})
            return client

        def expect(client, text):
            frame = client.message(60)
            require_equal(frame.body, text, "what the durable subscription brings")
            client.confirmed("ACK", {"id": frame.get("ack")})
        client = come()
        for number in range(4):
            publisher.confirmed("SEND", {"destination": topic, "persistent": "true"}, b"here")
            expect(client, b"here")
            client.confirmed("DISCONNECT")
            client.close()
            publisher.confirmed("SEND", {"destination": topic, "persistent": "true"}, b"away")
            client = come()
            expect(client, b"away")
            stack.switch()
        client.close()
        stack.nobody_was_hurt(statuses)
    return body


def replies(brokers, statuses):
    """Requests with a temporary queue as reply-to, answered on either color."""
    def body(scene):
        stack = Stack(scene, brokers)
        asker, worker = stack.client(), stack.client()
        queue = f"/queue/asked.{os.getpid()}"
        worker.subscribe("w", queue)
        asker.subscribe("r", "/temp-queue/mine")
        for number in range(20):
            asker.send("SEND", {"destination": queue, "reply-to": "/temp-queue/mine"},
                       str(number).encode())
            frame = worker.message(60)
            worker.send("SEND", {"destination": frame.get("reply-to")}, frame.body)
            require_equal(asker.message(60).body, str(number).encode(), "the answer")
            if number % 4 == 3:
                stack.switch()
        asker.close()
        worker.close()
        stack.nobody_was_hurt(statuses)
    return body


def await_echo(client, topic, text, timeout=60):
    """Sends until something sent here comes back: what was on the offender's link may be lost with
    it, and is in doubt."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        client.send("SEND", {"destination": topic}, text)
        client.pump(1)
        if any(frame.body == text for frame in client.inbox):
            require(all(frame.command == "MESSAGE" for frame in client.inbox), str(client.inbox))
            client.inbox.clear()
            return
    raise Failure(f"{text} did not come back to its sender")


def refusals(brokers, statuses, refused, fences=("kept",)):
    """Who may not do something is told so, each time, and others of its login are not hurt.
    `refused`: (command, headers) that the user `weak` may not say."""
    def body(scene):
        stack = Stack(scene, brokers, PATIENT, fences).learn("weak")
        neighbour = stack.client("weak")
        topic = f"/topic/open.{os.getpid()}"
        neighbour.subscribe("n", topic)
        for number, (command, headers) in enumerate(refused):
            offender = stack.client("weak")
            offender.send(command, {**headers, "receipt": "r"}, b"x" if command == "SEND" else b"")
            require(offender.error(60).get("message"), "an ERROR without a message")
            try:
                offender.close()
            except (EndOfStream, OSError):
                pass
            await_echo(neighbour, topic, f"{number} ".encode())
            stack.switch()
        neighbour.close()
        stack.nobody_was_hurt(statuses)
    return body
