"""helm/ as Helm renders it."""

import glob
import re
import subprocess

import go_tools
import teal
from checks import require

CHART = f"{teal.ROOT}/helm"
# helm says 1.20 of itself when it is not built by its makefile.
KUBERNETES = "1.31.14"


def ci_files():
    files = sorted(glob.glob(f"{CHART}/ci/*-values.yaml"))
    require(len(files) >= 8, f"only {len(files)} files in helm/ci")
    return files


def rendered(values):
    """The objects, as the YAML of each."""
    done = subprocess.run([go_tools.helm(), "template", "teal", CHART, "-f", values, "--namespace", "teal",
                           "--kube-version", KUBERNETES], capture_output=True, text=True, timeout=60)
    require(done.returncode == 0, f"{values}: {done.stderr[-1000:]}")
    return [part for part in re.split(r"^---\n", done.stdout, flags=re.M) if re.search(r"^kind:", part, re.M)]
