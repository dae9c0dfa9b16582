"""ActiveMQ Classic brokers of a test's own: own ports and folders, no service.

The libraries come from Maven Central, once: versions 6.1 (`ws://`, too) and 5.17.
tests/conformance/activemq-broker has the small program that starts one.
"""

import glob
import os
import re
import shutil
import subprocess

from checks import Skip
from outside_broker import OutsideBroker, start_all
from processes import Process, free_port
from teal import ROOT, http_json

FOLDER = os.path.join(ROOT, "tests/conformance/activemq-broker")
SOURCE = os.path.join(FOLDER, "src/ClassicBroker.java")
VERSIONS = ("6.1", "5.17")


def maven(words, folder, seconds):
    """Skip, with the reason, where a registry does not give what is asked for."""
    try:
        done = subprocess.run(["mvn", "-q", "-B", "-ntp", *words], cwd=folder, timeout=seconds,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except subprocess.TimeoutExpired:
        raise Skip(f"mvn did not end within {seconds} s") from None
    if done.returncode:
        text = re.sub(r"https?://\S+", "(address)", done.stdout + done.stderr)
        reason = next((line for line in text.splitlines() if "resolve" in line.lower()
                       or "transfer" in line), text[-300:])
        raise Skip("mvn gets no artifacts: " + reason[:300])


def require_java():
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise Skip(f"{tool} is not installed")


def build(version, seconds=240):
    """The class path of a broker of that version."""
    require_java()
    target = os.path.join(FOLDER, "target", version)
    libraries, classes = os.path.join(target, "lib"), os.path.join(target, "classes")
    if not glob.glob(f"{libraries}/activemq-stomp-*.jar"):
        maven([f"-P{version}", "dependency:copy-dependencies", "-DincludeScope=runtime",
               f"-DoutputDirectory={libraries}"], FOLDER, seconds)
    made = os.path.join(classes, "ClassicBroker.class")
    if not os.path.exists(made) or os.path.getmtime(made) < os.path.getmtime(SOURCE):
        done = subprocess.run(["javac", "-nowarn", "-cp", f"{libraries}/*", "-d", classes, SOURCE],
                              capture_output=True, text=True, timeout=seconds)
        if done.returncode:
            raise RuntimeError("javac: " + done.stderr[-2000:])
    return f"{classes}:{libraries}/*"


class Broker(OutsideBroker):
    """`users`: NAME:PASSWORD:GROUP; `permits`: DESTINATIONS:READ:WRITE:ADMIN, each a group or *;
    `limit`: as in the program's arguments."""

    def __init__(self, scene, name, version="6.1", users=("guest:guest:users",), permits=(),
                 limit=1000, web=None):
        self.name, self.version, self.scene = "activemq-" + name, version, scene
        self.stomp_port, self.web_port, self.http_port = (free_port() for _ in "123")
        self.web = version != "5.17" if web is None else web
        # Small heaps and no compiler of the second tier: the cores belong to what is tested.
        self.argv = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                     "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", build(version),
                     "ClassicBroker", f"name={name}", f"data={scene.folder}/{self.name}",
                     f"stomp={self.stomp_port}", f"http={self.http_port}", f"limit={limit}"]
        if self.web:
            self.argv.append(f"ws={self.web_port}")
        self.argv += [f"user={one}" for one in users] + [f"permit={one}" for one in permits]
        self.start()

    def start(self):
        self.process = self.scene.own(Process(self.name, self.argv, self.scene.folder))
        return self

    def listening_ports(self):
        return [self.http_port, self.stomp_port]

    def destinations(self, advisories=False):
        """{"queue NAME": (messages, consumers)}."""
        _, _, text = http_json(self.http_port, "GET", "/destinations")
        rows = (line.rsplit(" ", 2) for line in text.splitlines() if line)
        return {what: (int(messages), int(consumers)) for what, messages, consumers in rows
                if advisories or "ActiveMQ.Advisory" not in what}


def start(scene, *names, **options):
    """Side by side; waits for all."""
    return start_all(Broker, scene, *names, **options)
