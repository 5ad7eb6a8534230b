"""Node and what tests run in it: the packages of `package.json`, exactly those of `package-lock.json`.

`PENSTOCK_REQUIRE_SERVICES=1` turns what is missing from a reason to skip into a failure.
"""

import fcntl
import shutil
import subprocess
from pathlib import Path

from tests.services import lacking

FOLDER = Path(__file__).parent
_LOCK = FOLDER / "package-lock.json"
_INSTALLED = FOLDER / "node_modules" / ".installed"
"""Holds the lock file that the folder beside it was installed from."""
_BEING_INSTALLED = FOLDER / ".installing"
_SECONDS = 300
_INSTALL = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]


def require() -> Path:
    """The folder in which `node` finds the packages, installed once for all test processes. Skips the test, or fails it
    where services are required, when there is no Node, no npm, or no registry that answers it."""
    if missing := [name for name in ("node", "npm") if shutil.which(name) is None]:
        lacking(f"not installed: {', '.join(missing)}")
    with open(_BEING_INSTALLED, "w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not _is_installed():
            _install()
    return FOLDER


def _is_installed() -> bool:
    return _INSTALLED.exists() and _INSTALLED.read_bytes() == _LOCK.read_bytes()


def _install() -> None:
    ended = subprocess.run(_INSTALL, cwd=FOLDER, capture_output=True, text=True, check=False, timeout=_SECONDS)
    if ended.returncode != 0:
        lacking(f"npm could not install {_LOCK}: {ended.stderr[-500:]}")
    _INSTALLED.write_bytes(_LOCK.read_bytes())
