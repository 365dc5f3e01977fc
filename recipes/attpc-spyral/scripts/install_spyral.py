"""Installs Spyral and what it needs into a directory of its own: install_spyral.py REQUIREMENTS DIRECTORY

The directory can be moved and holds nothing that depends on time or place, so an installation that is made
again from the same packages has the same content, and nothing that was computed with it becomes stale.
"""

import compileall
import json
import platform
import subprocess
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

# Written beside the packages, because compiled parts fit one version of Python only.
PYTHON = "python.json"


def this_python():
    """What the compiled parts of packages depend on."""
    return {"version": list(sys.version_info[:2]), "machine": platform.machine(), "system": platform.system()}


def install(requirements, directory):
    # Not a virtual environment: its scripts and links hold the absolute path at which it was made, and a build
    # makes everything in a private directory first. Packages alone do not mind being moved.
    command = [sys.executable, "-m", "pip", "install", "--no-compile", "--no-warn-script-location"]
    command += ["--disable-pip-version-check", "--quiet", "--root-user-action", "ignore"]
    command += ["--target", str(directory), "--requirement", str(requirements)]
    status = subprocess.run(command, check=False).returncode
    if status != 0:
        sys.exit(f"error: pip ended with status {status}; it needs the network, or PIP_INDEX_URL of a mirror")
    # Byte code is checked by hash instead of date, and names files relative to the directory; without it
    # every step would spend two seconds on compiling. Packages hold some files that are no Python 3: no matter.
    compileall.compile_dir(
        directory,
        quiet=2,
        stripdir=str(directory),
        prependdir="environment",
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    (directory / PYTHON).write_text(json.dumps(this_python()) + "\n")


if __name__ == "__main__":
    install(Path(sys.argv[1]), Path(sys.argv[2]))
