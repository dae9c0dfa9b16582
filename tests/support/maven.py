"""Builds one of this repository's small Java programs with Maven, once."""

import os
import re
import shutil
import subprocess

from checks import Skip


def sources(folder):
    for place, _, names in os.walk(os.path.join(folder, "src")):
        yield from (os.path.join(place, name) for name in names)
    yield os.path.join(folder, "pom.xml")


def package(folder, jar, words=(), seconds=240):
    """`jar` in the folder's target; Skip, with the reason, where that cannot be made here."""
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise Skip(f"{tool} is not installed")
    path = os.path.join(folder, "target", jar)
    if os.path.exists(path) and all(os.path.getmtime(path) >= os.path.getmtime(one)
                                    for one in sources(folder)):
        return path
    try:
        done = subprocess.run(
            ["mvn", "-q", "-B", "-ntp", "-DskipTests", *words, "package"], cwd=folder,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Skip(f"mvn did not end within {seconds} s") from None
    if done.returncode == 0:
        return path
    text = done.stdout + done.stderr
    # What a registry does not give is no fault of the program; what does not compile is.
    reason = next((line for line in text.splitlines()
                   if "Could not resolve" in line or "could not be resolved" in line
                   or "Could not transfer" in line or "Non-resolvable" in line), None)
    if reason:
        raise Skip("mvn gets no artifacts: " + re.sub(r"https?://\S+", "(address)", reason)[:300])
    raise RuntimeError("mvn: " + text[-2000:])
