"""RabbitMQ 4 of Debian 13, in a folder (`build/trixie`) beside the system's 3.10. Its nodes are those of
rabbitmq.py; their commands run in that folder with a view of the file system of their own, which ends
with them.
"""

import os
import re
import shutil
import subprocess

from checks import Skip
from teal import ROOT

FOLDER = os.path.join(ROOT, "build/trixie")
# Nothing is mounted where others see it. The test's own folder has the same path inside.
ENTER = ('mount -t tmpfs none "$1/tmp" && mkdir -p "$1$2" && mount --bind "$2" "$1$2" && '
         'mount -t proc none "$1/proc" && mount --bind /etc/hosts "$1/etc/hosts" && '
         'root=$1 && shift 2 && exec chroot "$root" "$@"')


def mirror():
    """Where this machine gets its Debian packages from."""
    done = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE) $(REPO_URI)", "Created-By: Packages"],
                          capture_output=True, text=True, timeout=60)
    found = [line.split(" ")[1] for line in done.stdout.splitlines()
             if re.search(r"/debian/?$", line)]
    if not found:
        raise Skip("apt knows no repository of Debian")
    return found[0]


def install(seconds=900):
    """Once; Skip, with the reason, where that cannot be done."""
    if os.path.exists(f"{FOLDER}/usr/lib/rabbitmq/bin/rabbitmq-server"):
        return
    for tool in ("debootstrap", "unshare", "chroot"):
        if not shutil.which(tool):
            raise Skip(f"{tool} is not installed")
    if os.geteuid() != 0:
        raise Skip("RabbitMQ 4 is installed in a folder by root only")
    part = FOLDER + ".part"
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(os.path.dirname(FOLDER), exist_ok=True)
    try:
        done = subprocess.run(["debootstrap", "--variant=minbase", "--include=rabbitmq-server", "trixie", part,
                               mirror()], capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Skip(f"debootstrap did not end within {seconds} s") from None
    if done.returncode:
        said = re.sub(r"https?://\S+", "(address)", (done.stdout + done.stderr).strip())
        raise Skip(f"debootstrap: {said[-300:]}")
    os.rename(part, FOLDER)


def wrap(scene):
    """For Farm.begin: what the commands of such a node are run with."""
    install()
    return ["unshare", "--mount", "sh", "-c", ENTER, "sh", FOLDER, scene.folder]
