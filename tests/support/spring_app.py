"""The Spring Boot application of tests/conformance/spring-app: built once, started as often as a
test wants, each on ports of its own.
"""

import os
import re

import maven
from processes import Process, can_connect, free_port
from teal import ROOT, http_json

FOLDER = os.path.join(ROOT, "tests/conformance/spring-app")


def build(boot="3.5"):
    """Skip, with the reason, where that cannot be done here."""
    return maven.package(FOLDER, f"{boot}/spring-app.jar", ["-Pboot4"] if boot == "4.0" else [])


class SpringApp:
    def __init__(self, scene, version, profiles=(), boot="3.5", **properties):
        self.name, self.version = f"spring-{version}", version
        self.port = free_port()
        argv = ["java", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar", build(boot),
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


def start(scene, profiles=(), boots=("3.5", "3.5"), **properties):
    """Both versions, up: {color: application}."""
    for boot in sorted(set(boots)):
        build(boot)
    apps = {color: SpringApp(scene, version, profiles, boot, **properties)
            for color, version, boot in zip(("blue", "green"), ("v1", "v2"), boots)}
    for app in apps.values():
        app.await_up()
    return apps


def session_store(scene):
    """The URL of an H2 in server mode, where both versions find their HTTP sessions."""
    port = free_port()
    process = scene.own(Process("h2", [
        "java", "-Xmx96m", "-XX:+UseSerialGC", "-Dloader.main=org.h2.tools.Server", "-cp", build(),
        "org.springframework.boot.loader.launch.PropertiesLauncher", "-tcp", "-tcpPort", str(port),
        "-ifNotExists", "-baseDir", scene.folder], scene.folder))
    process.await_true(lambda: can_connect(port), 30, "listening")
    return f"jdbc:h2:tcp://127.0.0.1:{port}/./sessions"
