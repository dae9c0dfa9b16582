"""The Spring Boot application of tests/conformance/spring-app: built once, started as often as a
test wants, each on ports of its own.
"""

import os
import re
import shutil
import subprocess

from checks import Skip
from processes import Process, free_port
from teal import ROOT, http_json

FOLDER = os.path.join(ROOT, "tests/conformance/spring-app")
JAR = os.path.join(FOLDER, "target/spring-app.jar")


def sources():
    for folder, _, names in os.walk(os.path.join(FOLDER, "src")):
        yield from (os.path.join(folder, name) for name in names)
    yield os.path.join(FOLDER, "pom.xml")


def build(seconds=240):
    """Skip, with the reason, where that cannot be done here."""
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise Skip(f"{tool} is not installed")
    if os.path.exists(JAR) and all(os.path.getmtime(JAR) >= os.path.getmtime(one)
                                   for one in sources()):
        return
    try:
        done = subprocess.run(
            ["mvn", "-q", "-B", "-ntp", "-DskipTests", "package"], cwd=FOLDER,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Skip(f"mvn did not end within {seconds} s") from None
    if done.returncode == 0:
        return
    text = done.stdout + done.stderr
    # What a registry does not give is no fault of the application; what does not compile is.
    reason = next((line for line in text.splitlines()
                   if "Could not resolve" in line or "could not be resolved" in line
                   or "Could not transfer" in line or "Non-resolvable" in line), None)
    if reason:
        raise Skip("mvn gets no artifacts: " + re.sub(r"https?://\S+", "(address)", reason)[:300])
    raise RuntimeError("mvn: " + text[-2000:])


class SpringApp:
    def __init__(self, scene, version, profiles=(), **properties):
        self.name, self.version = f"spring-{version}", version
        self.port = free_port()
        argv = ["java", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar", JAR,
                f"--server.port={self.port}", f"--app.version={version}"]
        if profiles:
            argv.append("--spring.profiles.active=" + ",".join(profiles))
        argv += [f"--{key.replace('_', '.')}={value}" for key, value in properties.items()]
        self.process = scene.own(Process(self.name, argv, scene.folder))

    def await_up(self, timeout=60):
        def answers():
            try:
                return http_json(self.port, "GET", "/stats")[0] == 200
            except OSError:
                return False
        self.process.await_true(answers, timeout, "answering")
        return self

    def url(self, login=""):
        """`login`: "/basic" or "/form"."""
        return f"ws://127.0.0.1:{self.port}{login}/ws"

    def stats(self):
        """Numbers of its own (came, left, joins, leaves) and of Spring: current, total, abnormally,
        transport."""
        text = http_json(self.port, "GET", "/stats")[2]
        numbers = {name: int(value) for name, value in re.findall(r"(came|left|joins|leaves)=(\d+)", text)}
        for name, pattern in (("current", r"(\d+) current"), ("total", r"(\d+) total"),
                              ("abnormally", r"(\d+) closed abnormally"),
                              ("transport", r"(\d+) transport error")):
            numbers[name] = int(re.search(pattern, text)[1])
        return numbers

    def log(self):
        with open(self.process.log_path, errors="replace") as file:
            return file.read()

    def complaints(self):
        return [line for line in self.log().splitlines()
                if re.search(r" (WARN|ERROR) |Exception", line)]
