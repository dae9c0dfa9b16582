"""A bare Debian root (`build/bookworm-...`, made once by debootstrap) and copies of it in which commands run,
with a view of the file system of their own. They share the machine's network, so ports have to be free.
"""

import hashlib
import os
import re
import shutil
import subprocess

import teal
from checks import Skip, require
from debian import installed
from processes import Process
from rabbitmq4 import mirror

ENTER = 'mount -t proc none "$1/proc" && mount -t tmpfs none "$1/dev/shm" && root=$1 && shift && exec chroot "$root" "$@"'


def bare(packages, seconds=900):
    """The folder of a root with `packages` and what they need. Skip where that cannot be made."""
    if os.geteuid() != 0:
        raise Skip("only root can make a bare root")
    installed("debootstrap")
    names = sorted(set(packages))
    folder = f"{teal.ROOT}/build/bookworm-{hashlib.sha256(' '.join(names).encode()).hexdigest()[:12]}"
    if os.path.exists(folder):
        return folder
    part = folder + ".part"
    shutil.rmtree(part, ignore_errors=True)
    try:
        done = subprocess.run(["debootstrap", "--variant=minbase", f"--include={','.join(names)}", "bookworm", part, mirror()],
                              capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Skip(f"debootstrap did not end within {seconds} s") from None
    if done.returncode:
        said = re.sub(r"https?://\S+", "(address)", (done.stdout + done.stderr).strip())
        raise Skip(f"debootstrap: {said[-300:]}")
    os.rename(part, folder)
    return folder


class Root:
    def __init__(self, scene, packages):
        self.scene = scene
        self.folder = os.path.join(scene.folder, "root")
        subprocess.run(["cp", "-a", "--reflink=auto", bare(packages), self.folder], check=True, timeout=300)

    def path(self, name):
        return self.folder + name

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def files(self):
        """All but what programs of the root itself write."""
        found = set()
        for path, folders, names in os.walk(self.folder):
            inside = path[len(self.folder):]
            if re.match(r"/(proc|dev|var/(lib/dpkg|log|cache)|run)(/|$)", inside + "/"):
                folders.clear()
                continue
            found |= {f"{inside}/{name}" for name in names + folders}
        return found

    def enter(self, words, user=None):
        inside = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        return ["unshare", "--mount", "sh", "-c", ENTER, "sh", self.folder, *inside, *map(str, words)]

    def run(self, *words, user=None, expected=0, timeout=120):
        """The output of a command that ends."""
        done = subprocess.run(self.enter(words, user), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})
        text = done.stdout + done.stderr
        require(done.returncode == expected, f"{' '.join(map(str, words))}: exit {done.returncode}: {text[-800:]}")
        return text

    def start(self, name, *words, user=None):
        return self.scene.own(Process(name, self.enter(words, user), self.scene.folder))
