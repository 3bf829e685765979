"""Gets Prometheus and promtool from Debian's package, without installing it.

apt downloads the package of this machine's release and dpkg unpacks it below the cache:
no service starts and the system stays as it is. The release decides the version.
"""

import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from llmtrain_kind.commands import run
from llmtrain_kind.errors import CommandFailed, Unsupported
from llmtrain_kind.paths import cache_folder
from llmtrain_kind.progress import step

_PROGRAMS = ("prometheus", "promtool")


def candidate_version(policy: str) -> str | None:
    """The version that `apt-cache policy` would install, or None if no source has the package."""
    found = re.search(r"^\s*Candidate: (\S+)$", policy, re.MULTILINE)
    return found.group(1) if found and found.group(1) != "(none)" else None


def make_prometheus() -> Path:
    """Make prometheus and promtool available; returns their folder.

    Once they are there, no network is needed. Raises Unsupported where apt is missing or
    knows no package `prometheus`.
    """
    place = cache_folder() / "prometheus"
    kept = sorted(folder for folder in place.glob("*/usr/bin") if _is_whole(folder))
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        if kept:
            return kept[-1]
        raise Unsupported("Prometheus comes from Debian's package: run this on Debian or Ubuntu, where apt is.")
    version = candidate_version(_policy())
    if version is None and not kept:
        with step("asking apt for its packages"):
            run(["apt-get", "update", "-qq"])
        version = candidate_version(_policy())
    if version is None:
        if kept:
            return kept[-1]
        raise Unsupported("apt knows no package `prometheus`: add Debian's section main to its sources.")
    folder = place / _folder_name(version) / "usr" / "bin"
    if not _is_whole(folder):
        with step(f"unpacking Debian's prometheus {version} (20 MB, once)"):
            _unpack(version, place / _folder_name(version))
    return folder


def _policy() -> str:
    return run(["apt-cache", "policy", "prometheus"])


def _is_whole(folder: Path) -> bool:
    return all((folder / name).exists() for name in _PROGRAMS)


def _folder_name(version: str) -> str:
    return re.sub(r"[^\w.+~-]", "_", version)


def _unpack(version: str, target: Path) -> None:
    """Download one version and move it to `target` when all of it is there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent, prefix=".unpacking-") as scratch:
        download = ["apt-get", "download", "-qq", f"prometheus={version}"]
        try:
            run(download, folder=Path(scratch))
        except CommandFailed:  # apt's lists are older than the mirror
            run(["apt-get", "update", "-qq"])
            run(download, folder=Path(scratch))
        (package,) = Path(scratch).glob("*.deb")
        root = Path(scratch) / "root"
        run(["dpkg-deb", "-x", package, root])
        shutil.rmtree(target, ignore_errors=True)
        root.rename(target)
