"""Programs that are built from Go modules: once, into build/tools, where later runs find them.

A module may say which Go it needs. Where the machine's is older, that one comes from the module proxy,
too (golang.org/toolchain).
"""

import json
import os
import re
import shutil
import stat
import subprocess

import teal
from checks import Skip

TOOLS = f"{teal.ROOT}/build/tools"
NEEDED = (1, 26)
TOOLCHAIN = "v0.0.1-go1.26.0.linux-amd64"


def run(argv, seconds, folder, **environment):
    """The output; Skip, without addresses, where the proxy gives nothing."""
    try:
        done = subprocess.run(argv, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds,
                              env={**os.environ, "GOWORK": "off", "GOTOOLCHAIN": "local", **environment})
    except subprocess.TimeoutExpired:
        raise Skip(f"{' '.join(argv[:3])} did not end within {seconds} s") from None
    if done.returncode:
        said = re.sub(r"https?://\S+", "(address)", done.stderr.strip() or done.stdout.strip())
        raise Skip(f"{' '.join(argv[:3])}: {said[-300:]}")
    return done.stdout


def module(name, version, go="go"):
    """The folder of a module's sources."""
    os.makedirs(TOOLS, exist_ok=True)
    return json.loads(run([go, "mod", "download", "-json", f"{name}@{version}"], 600, TOOLS))["Dir"]


def new_enough_go():
    found = shutil.which("go")
    if not found:
        raise Skip("go is not installed")
    have = re.search(r"go(\d+)\.(\d+)", run([found, "version"], 30, "/"))
    if (int(have[1]), int(have[2])) >= NEEDED:
        return found
    folder = module("golang.org/toolchain", TOOLCHAIN, found)
    for names in ("bin", "pkg/tool"):  # a module's files are not executable
        for path, _, files in os.walk(f"{folder}/{names}"):
            for name in files:
                program = os.path.join(path, name)
                os.chmod(program, os.stat(program).st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return f"{folder}/bin/go"


def built(name, version, package, sources=None, seconds=1500):
    """The path of a program. `sources` is a folder with a go.mod, else the module `name` as it is published."""
    short = package.rsplit("/", 1)[-1]
    path = f"{TOOLS}/{short}-{version}"
    if not os.access(path, os.X_OK):
        go = new_enough_go()
        # Its own go.mod is in force there, with what it replaces.
        folder = sources or module(name, version, go)
        run([go, "build", "-o", path + ".new", package], seconds, folder)
        os.rename(path + ".new", path)
    return path


def helm():
    return built("helm.sh/helm/v3", "v3.22.0", "./cmd/helm")


def helm_unittest():
    return built("github.com/helm-unittest/helm-unittest", "v1.1.2", "./cmd/helm-unittest")


def kube_apiserver():
    return built("k8s.io/kubernetes", "v1.31.14", "k8s.io/kubernetes/cmd/kube-apiserver",
                 f"{teal.ROOT}/tests/packaging/kube-apiserver")
