"""A step of a program's work at which one of its threads is stopped (stop_at.c): a switch can be
held in any phase, or its process killed there, without a guess at how long anything takes."""

import os
import shutil
import subprocess
import tempfile

from checks import Failure, Skip, eventually

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stop_at.c")


_folder = []  # of the library, for all checks of a test


def library():
    if not _folder:
        compiler = shutil.which("cc")
        if not compiler:
            raise Skip("no C compiler")
        folder = tempfile.TemporaryDirectory(prefix="teal-stop-at-")
        done = subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o",
                               f"{folder.name}/stop_at.so", SOURCE, "-ldl"],
                              capture_output=True, text=True)
        if done.returncode:
            raise Failure(f"stop_at.c: {done.stderr[-300:]}")
        _folder.append(folder)
    return f"{_folder[0].name}/stop_at.so"


class StopAt:
    """`step`: see stop_at.c. `wrap` is for teal.Gateway; nothing stops before arm()."""

    def __init__(self, scene, step):
        self.step = step
        self.path = os.path.join(scene.folder, "stop-at")
        self.wrap = ["env", f"LD_PRELOAD={library()}", f"TEAL_STOP_AT={step}",
                     f"TEAL_STOP_AT_FILE={self.path}"]

    def arm(self):
        open(self.path, "w").close()

    def reached(self):
        return os.path.exists(self.path + ".hit")

    def await_reached(self, timeout=20):
        eventually(self.reached, timeout, f"step {self.step!r}", interval=0.002)

    def release(self):
        """The thread goes on, if it stopped; the step stops nobody any more."""
        os.unlink(self.path)
