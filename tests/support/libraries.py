"""Client libraries of other people: how they are installed, switched under, and judged. A program of
tests/conformance/tcp-clients, web-clients or java-client prints one line of JSON at its end; the
README there says what it holds.
"""

import json
import os
import re
import shutil
import subprocess
import threading

import teal
from checks import Failure, Skip, require, require_equal

SWITCHES = 12


def run_tool(argv, seconds, folder):
    """A package manager; Skip, without addresses, where it gets nothing."""
    try:
        done = subprocess.run(argv, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Skip(f"{argv[0]} did not end within {seconds} s") from None
    if done.returncode:
        said = re.sub(r"https?://\S+", "(address)", done.stderr.strip() or done.stdout.strip())
        raise Skip(f"{argv[0]} gets no packages: {said[-300:]}")


def need(*names):
    for name in names:
        if not shutil.which(name):
            raise Skip(f"{name} is not installed")


def npm_install(folder, package):
    """What the folder's package.json names, in its own node_modules, unless `package` is there."""
    need("node", "npm")
    if not os.path.exists(f"{folder}/node_modules/{package}/package.json"):
        run_tool(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"], 180, folder)


class Switcher:
    """Switches back and forth until stopped, `every` so many seconds."""

    def __init__(self, gateway, every):
        self.gateway, self.every, self.count, self.trouble = gateway, every, 0, None
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while not self.done.wait(self.every):
                self.gateway.switch(teal.other(self.gateway.live()))
                self.count += 1
        except Exception as trouble:
            self.trouble = trouble

    def stop(self):
        self.done.set()
        self.thread.join(70)


def switch_while(gateway, client):
    """SWITCHES times, 500 ms apart, or until the client has ended by itself."""
    pause = threading.Event()
    for _ in range(SWITCHES):
        pause.wait(0.5)  # the interval is what this test is about
        if client.poll() is not None:
            return
        gateway.switch(teal.other(gateway.live()))


def judge(result, name):
    require_equal(result["errors"], [], "errors")
    require_equal(result["reconnects"], 0, "reconnects")
    require_equal(result["confirmed"], result["sent"], "confirmed of those that were sent")
    require(result["sent"] >= 10 * SWITCHES, f"only {result['sent']} were sent")
    odd, even = list(range(1, result["sent"] + 1, 2)), list(range(2, result["sent"] + 1, 2))
    require_equal(result["topic"], odd, f"what came to /topic/{name}")
    require_equal(sorted(result["queue"]), even, f"what came to /queue/{name}")


def works_on(name, command, door, multiplex):
    """A check: the program works through `door` while the color switches. `command` installs it, and
    gives its words and those that follow HOST PORT NAME."""
    def body(scene):
        argv, more = command()
        entry = door()
        gateway, _ = teal.pair(scene, threads=2, listeners=[entry.entry], brokers={"multiplex": multiplex},
                               heart_beat={"client": "1s", "broker": "10s"})
        with subprocess.Popen([*argv, "127.0.0.1", str(entry.port), name, *more], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as client:
            try:
                gateway.await_sessions(1)
                switch_while(gateway, client)
                said, complained = client.communicate(timeout=60)
            except BaseException:
                client.kill()
                raise
        lines = said.strip().splitlines()
        if client.returncode != 0 or not lines:
            raise Failure(f"{name} ended with {client.returncode}: {said[-300:]} {complained[-600:]}")
        result = json.loads(lines[-1])
        judge(result, name)
        gateway.drop_nothing()
        print(f"# {name}: {result['sent']} sent through {SWITCHES} switches", flush=True)
    return body
