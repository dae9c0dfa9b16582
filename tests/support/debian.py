"""Debian's packages for tests: installed when they are missing, by tests/support/packages.sh; and ours, packed
from the release build (TEAL_PACK names the folder of another one).
"""

import glob
import os
import shutil
import subprocess

import teal
from checks import Skip, require

HERE = os.path.dirname(os.path.abspath(__file__))


def installed(package, program=None):
    """Skip, with the reason, where `package` cannot be had. `program` is a command that it brings."""
    if shutil.which(program or package):
        return
    done = subprocess.run(["bash", "-c", f'. "{HERE}/packages.sh"; install_packages "$@"', "install", package],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)
    if done.returncode or not shutil.which(program or package):
        raise Skip(f"{package} cannot be installed: {done.stderr.strip()[-200:]}")


def packed(scene, *versions):
    """The paths of our package in these versions."""
    build = os.environ.get("TEAL_PACK") or f"{teal.ROOT}/build/release"
    if not os.path.exists(f"{build}/teal-gateway"):
        raise Skip("build/release is not built: cmake --preset release && cmake --build --preset release")
    installed("dpkg-dev", "dpkg-shlibdeps")
    found = []
    for version in versions:
        done = subprocess.run(["cpack", "-G", "DEB", "-B", f"{scene.folder}/packing", "-D", f"CPACK_OUTPUT_FILE_PREFIX={scene.folder}",
                               "-D", f"CPACK_PACKAGE_VERSION={version}"], cwd=build,
                              capture_output=True, text=True, timeout=1500)
        require(done.returncode == 0, (done.stdout + done.stderr)[-1500:])
        files = glob.glob(f"{scene.folder}/teal_{version}_*.deb")
        require(len(files) == 1, f"packages of {version}: {files}")
        found += files
    return found
