"""Child processes of a test: a log file each, stopped by their own id; ports that are free."""

import os
import signal
import socket
import subprocess
import time

from checks import Failure

_given_out = set()


def free_port():
    """A loopback port nobody listens on now; never the same twice in one test."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _given_out:
            _given_out.add(port)
            return port


def can_connect(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


class Process:
    """One child in a process group of its own, its output in a file."""

    def __init__(self, name, argv, folder, env=None, cwd=None):
        self.name = name
        self.log_path = os.path.join(folder, name + ".log")
        self.log = open(self.log_path, "ab")
        self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.log,
                                      stderr=subprocess.STDOUT, env=env, cwd=cwd or folder,
                                      start_new_session=True)

    @property
    def pid(self):
        return self.child.pid

    def alive(self):
        return self.child.poll() is None

    def wait(self, timeout):
        return self.child.wait(timeout)

    def signal(self, number):
        if self.alive():
            os.kill(self.pid, number)

    def await_true(self, probe, timeout, what):
        """Waits until `probe` holds; fails at once when the process ends before."""
        deadline = time.monotonic() + timeout
        while not probe():
            if not self.alive():
                raise Failure(f"{self.name} ended with {self.child.returncode} before {what}: "
                              + self.tail(3))
            if time.monotonic() > deadline:
                raise Failure(f"{self.name}: not {what} within {timeout} s")
            time.sleep(0.02)

    def kill(self):
        """SIGKILL, to the whole group: what a power cut does."""
        self._signal_group(signal.SIGKILL)
        self.child.wait(10)

    def stop(self, timeout=10):
        self.signal(signal.SIGTERM)
        try:
            self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        self._signal_group(signal.SIGKILL)
        self.child.wait(10)
        if not self.log.closed:
            self.log.close()

    def _signal_group(self, number):
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    def output(self):
        with open(self.log_path, "rb") as file:
            return file.read().decode("utf-8", "replace")

    def tail(self, lines=40):
        return "\n".join(self.output().splitlines()[-lines:])
