"""Teal's own programs for tests: embedded brokers, a gateway with a generated configuration, the
admin API, tealctl and teal-load. Programs come from $TEAL_BIN, else build/release, else build/dev.
"""

import http.client
import json
import os
import signal
import subprocess
import time

from checks import Failure, Skip, eventually, require
from processes import Process, can_connect, free_port
from stomp_client import StompClient, websocket

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
COLORS = ("blue", "green")


def program(name):
    """The path of one of Teal's programs; Skip when it is not built."""
    folders = ([os.environ["TEAL_BIN"]] if os.environ.get("TEAL_BIN")
               else [f"{ROOT}/build/release", f"{ROOT}/build/dev"])
    for folder in folders:
        path = os.path.join(os.path.abspath(folder), name)
        if os.access(path, os.X_OK):
            return path
    raise Skip(f"{name} is not built in {' or '.join(os.path.relpath(f, ROOT) for f in folders)}")


def other(color):
    return "green" if color == "blue" else "blue"


def http_json(port, method, path, body=None, headers=None, timeout=30):
    """One HTTP exchange on loopback: (status, headers, JSON or text)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        data = None if body is None else json.dumps(body)
        fields = dict(headers or {})
        if data is not None:
            fields.setdefault("Content-Type", "application/json")
        connection.request(method, path, data, fields)
        answer = connection.getresponse()
        text = answer.read().decode()
        kind = answer.headers.get("Content-Type", "")
        value = json.loads(text) if "json" in kind and text else text
        return answer.status, dict(answer.headers), value
    finally:
        connection.close()


class Broker:
    """teal-broker; `chaos` is a list of KEY=VALUE, `users` a list of NAME:PASS, `options` more
    words of its command line."""

    def __init__(self, scene, name, chaos=(), users=(), ports=None, options=()):
        self.scene, self.name = scene, name
        self.stomp_port, self.web_port, self.status_port = ports or [free_port() for _ in "123"]
        argv = [program("teal-broker"), "--stomp", f"127.0.0.1:{self.stomp_port}",
                "--ws", f"127.0.0.1:{self.web_port}",
                "--status", f"127.0.0.1:{self.status_port}", "--name", name]
        for user in users:
            argv += ["--user", user]
        for word in chaos:
            argv += ["--chaos", word]
        self.argv = argv + [*map(str, options)]
        self.start()

    def start(self):
        """Also again, on the same ports, after kill()."""
        self.process = self.scene.own(Process(self.name, self.argv, self.scene.folder))
        self.process.await_true(lambda: can_connect(self.stomp_port)
                                and can_connect(self.status_port), 20, "listening")

    @property
    def url(self):
        return f"stomp://127.0.0.1:{self.stomp_port}"

    @property
    def web_url(self):
        return f"ws://127.0.0.1:{self.web_port}/ws"

    def status(self, since=None):
        path = "/status" + ("" if since is None else f"?since={since}")
        status, _, value = http_json(self.status_port, "GET", path)
        require(status == 200, f"{self.name}: /status answered {status}")
        return value if not isinstance(value, str) else json.loads(value)

    def kill(self):
        self.process.kill()

    def pause(self):
        """Listens and accepts, and answers nothing any more (SIGSTOP)."""
        self.process.signal(signal.SIGSTOP)

    def resume(self):
        self.process.signal(signal.SIGCONT)


def flow(value):
    """A value as YAML in flow style; JSON is YAML as long as keys are plain words."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return json.dumps(value)


class Gateway:
    """teal-gateway over `blue` and `green`: lists of URLs or {url, weight, name}.

    `sections` adds to the configuration: threads=2, switch={...}, limits={...}, listener={...},
    listeners=[{...}, more of them], admin={...}, brokers={...} (multiplex and its neighbours), colors={"blue": {"health": {...}}}.
    `wrap` is a command that runs the gateway's own, such as one that sets a limit.
    """

    def __init__(self, scene, blue, green, name="gateway", ready=True, wrap=(), **sections):
        self.scene, self.name, self.wrap = scene, name, list(wrap)
        self.port, self.admin_port = free_port(), free_port()
        self.folder = os.path.join(scene.folder, name)
        os.makedirs(self.folder, exist_ok=True)
        self.config_path = os.path.join(self.folder, "teal.yaml")
        with open(self.config_path, "w") as file:
            file.write(self.configuration(blue, green, sections))
        self.start(ready)

    def configuration(self, blue, green, sections):
        # Nobody waits for the way out but the test that is about it.
        sections = {"drain": {"delay": "0s", "timeout": "500ms"}, **sections}
        listener = {"bind": f"127.0.0.1:{self.port}", **sections.pop("listener", {})}
        admin = {"bind": f"127.0.0.1:{self.admin_port}", **sections.pop("admin", {})}
        colors = sections.pop("colors", {})
        lines = ["listeners:", f"  - {flow(listener)}",
                 *(f"  - {flow(one)}" for one in sections.pop("listeners", [])),
                 f"admin: {flow(admin)}", "brokers:"]
        for color, endpoints in (("blue", blue), ("green", green)):
            lines += [f"  {color}:", "    endpoints:"]
            lines += [f"      - {flow(endpoint)}" for endpoint in endpoints]
            lines += [f"    {key}: {flow(value)}" for key, value in colors.get(color, {}).items()]
        lines += [f"  {key}: {flow(value)}" for key, value in sections.pop("brokers", {}).items()]
        lines += [f"{key}: {flow(value)}" for key, value in sections.items()]
        return "\n".join(lines) + "\n"

    def start(self, ready=True):
        self.process = self.scene.own(Process(
            self.name, [*self.wrap, program("teal-gateway"), "--config", self.config_path],
            self.folder))
        if ready:
            self.process.await_true(self.is_ready, 30, "ready")

    def is_ready(self):
        try:
            return self.api("GET", "/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}/ws"

    def client(self, timeout=15, transport=None, **connect):
        """A connected StompClient."""
        client = StompClient(websocket(self.port, **(transport or {})), timeout)
        client.connect(**connect)
        return client

    def api(self, method, path, body=None, headers=None, timeout=30):
        return http_json(self.admin_port, method, path, body, headers, timeout)

    def status(self):
        status, _, value = self.api("GET", "/v1/status")
        require(status == 200, f"/v1/status answered {status}: {value}")
        return value

    def live(self):
        return self.status()["live"]

    def await_sessions(self, count, timeout=30):
        """Until `count` sessions are active."""
        return eventually(lambda: self.status()["sessions"]["active"] == count, timeout,
                          f"{count} active sessions")

    def metric(self, name):
        """The sum of a metric over its labels."""
        _, _, text = self.api("GET", "/metrics")
        rows = [line for line in text.splitlines()
                if line.startswith(name) and line[len(name):len(name) + 1] in ("{", " ")]
        require(rows, f"no metric {name}")
        return sum(float(line.rsplit(" ", 1)[1]) for line in rows)

    def ctl(self, *words, timeout=60):
        """tealctl; the finished process with .returncode, .stdout and .stderr as text."""
        argv = [program("tealctl"), "--endpoint", f"http://127.0.0.1:{self.admin_port}",
                "--no-color", *map(str, words)]
        try:
            return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=timeout)
        except subprocess.TimeoutExpired as late:
            raise Failure(f"tealctl {' '.join(words)} took more than {timeout} s") from late

    def ctl_json(self, *words, timeout=60):
        """(exit status, stdout as JSON)."""
        done = self.ctl("-o", "json", *words, timeout=timeout)
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError as bad:
            raise Failure(f"tealctl {' '.join(words)}: exit {done.returncode}, no JSON: "
                          f"{done.stdout[-200:]!r} {done.stderr[-200:]!r}") from bad

    def switch(self, color, *words, expected=0, timeout=60):
        """Switches and checks the exit status; the report."""
        status, report = self.ctl_json("switch", color, "--yes", *words, timeout=timeout)
        require(status == expected, f"switch {color}: exit {status}, expected {expected}: "
                f"{json.dumps(report)[:500]}")
        return report

    def drop_nothing(self):
        """The two metrics that must never move."""
        for name in ("teal_switch_frames_lost_total", "teal_switch_client_disconnects_total"):
            value = self.metric(name)
            require(value == 0, f"{name} is {value}")


class Load:
    """A running teal-load; it sends until `clean()` or `finish()` is called (`seconds` at most, so
    that no machine is too slow for what a test does meanwhile)."""

    def __init__(self, scene, url, name="load", seconds=600, **options):
        self.json_path = os.path.join(scene.folder, f"{name}.json")
        argv = [program("teal-load"), "--url", url, "--json", self.json_path,
                "--seconds", str(seconds)]
        for key, value in options.items():
            flag = "--" + key.replace("_", "-")
            argv += [flag] if value is True else [flag, str(value)]
        self.process = scene.own(Process(name, argv, scene.folder))

    def await_sending(self, timeout=60):
        """Until all clients are subscribed: from then on they send."""
        self.process.await_true(lambda: "clients subscribed" in self.process.output(), timeout,
                                "sending")

    def finish(self, timeout=90):
        """Ends the sending; (exit status, result) when all that is owed has come."""
        self.interrupt()
        return self.collect(timeout)

    def interrupt(self):
        require(self.process.alive(), f"teal-load ended by itself: {self.process.tail(3)}")
        self.process.signal(signal.SIGINT)

    def collect(self, timeout=90):
        """(exit status, result) of one that was told to end."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired as late:
            raise Failure(f"teal-load waits for more than {timeout} s: "
                          f"{self.process.tail(3)}") from late
        if not os.path.exists(self.json_path):
            raise Failure(f"teal-load ended with {status}: {self.process.tail(3)}")
        with open(self.json_path) as file:
            return status, json.load(file)

    def clean(self, least=1):
        """Waits, and demands zeros; the result."""
        status, result = self.finish()
        bad = {key: result[key] for key in ("disconnected", "lost", "duplicated", "reordered")
               if result[key] != 0}
        require(not bad, f"teal-load counted {bad} of {result['sent']} sent")
        require(status == 0, f"teal-load ended with {status}: {self.process.tail(3)}")
        require(result["sent"] >= least and result["received"] >= least,
                f"sent {result['sent']}, received {result['received']}")
        return result


def pair(scene, web=False, chaos_green=(), chaos_blue=(), **sections):
    """Two embedded brokers and a gateway over them: (gateway, {color: broker})."""
    brokers = {"blue": Broker(scene, "broker-blue", chaos_blue),
               "green": Broker(scene, "broker-green", chaos_green)}
    url = "web_url" if web else "url"
    gateway = Gateway(scene, [getattr(brokers["blue"], url)], [getattr(brokers["green"], url)],
                      **sections)
    return gateway, brokers


def fence_kept(brokers, switch_from, switch_to, since_ns):
    """Every SEND on the old color arrived before the first on the new (contract.md, the fence)."""
    last_old = brokers[switch_from].status(since_ns)["last_arrival_ns"]
    first_new = brokers[switch_to].status(since_ns)["first_arrival_ns"]
    if last_old is not None and first_new is not None:
        require(first_new >= last_old, f"{switch_to} got a SEND {last_old - first_new} ns before "
                f"the last one that {switch_from} got")
    return last_old, first_new
