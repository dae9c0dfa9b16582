"""What every script test shares: a line per check, a time bound for the whole, a clean end.

A test is a list of functions; each is one check and prints one line:
    ok NAME          not ok NAME: why          skip NAME: why
The exit status is 1 after any `not ok`, else 0. Processes that a check started are stopped with it;
when it failed, the tails of their logs are printed to stderr first.
"""

import os
import shutil
import signal
import sys
import tempfile
import time
import traceback


class Skip(Exception):
    """Raised by a check that cannot run here; its text is the reason."""


class Failure(AssertionError):
    """Raised by a check whose claim does not hold."""


class OutOfTime(BaseException):
    """The test's own time bound has passed. No Exception, so that no check swallows it."""


def require(condition, why):
    if not condition:
        raise Failure(why)


def require_equal(actual, expected, what):
    if actual != expected:
        raise Failure(f"{what}: {actual!r}, expected {expected!r}")


def eventually(probe, timeout, what, interval=0.05):
    """Polls what has no event to wait for (another process's counters) until it is truthy."""
    deadline = time.monotonic() + timeout
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise Failure(f"{what}: not within {timeout} s")
        time.sleep(interval)


def one_line(error):
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 600 else text[:600] + "..."


class Scene:
    """A folder and the processes of one check; leaving it stops them, last started first."""

    def __init__(self, name):
        self.folder = tempfile.mkdtemp(prefix=f"teal-{name}-")
        self.closing = []

    def own(self, thing):
        self.closing.append(thing)
        return thing

    def print_tails(self):
        for thing in self.closing:
            if hasattr(thing, "tail"):
                text = thing.tail()
                if text:
                    sys.stderr.write(f"--- {thing.name}\n{text}\n")

    def close(self):
        for thing in reversed(self.closing):
            try:
                thing.stop() if hasattr(thing, "stop") else thing.close()
            except Exception:  # the next one has to be stopped whatever this one says
                traceback.print_exc()
        self.closing.clear()
        if os.environ.get("TEAL_KEEP") != "1":
            shutil.rmtree(self.folder, ignore_errors=True)


class Test:
    """Runs checks in order. `with` a scene each, unless the test shares one among them."""

    def __init__(self, name, seconds):
        self.name = name
        self.failed = 0
        self.deadline = time.monotonic() + seconds
        selected = sys.argv[1:]
        self.wanted = lambda check: not selected or any(word in check for word in selected)

        def expired(*_):
            raise OutOfTime(f"the test's own bound of {seconds} s has passed")

        def stopped(*_):
            raise OutOfTime("stopped from outside")

        signal.signal(signal.SIGALRM, expired)
        signal.signal(signal.SIGTERM, stopped)
        signal.alarm(int(seconds))

    def line(self, verdict, check, why=""):
        print(f"{verdict} {check}" + (f": {why}" if why else ""), flush=True)
        self.failed += verdict == "not ok"

    def run(self, check, body, scene=None):
        """One check: `body(scene)`. A scene given from outside stays open."""
        if not self.wanted(check):
            return False
        own = scene is None
        scene = scene or Scene(self.name)
        try:
            body(scene)
            self.line("ok", check)
            return True
        except Skip as reason:
            self.line("skip", check, one_line(reason))
        except Exception as error:
            self.line("not ok", check, one_line(error))
            if not isinstance(error, Failure):
                traceback.print_exc()
            scene.print_tails()
        except BaseException as error:
            self.line("not ok", check, one_line(error))
            scene.print_tails()
            scene.close()
            sys.exit(1)
        finally:
            if own:
                scene.close()
        return False

    def end(self):
        signal.alarm(0)
        sys.exit(1 if self.failed else 0)
