"""Prometheus and promtool from Debian's package, without installing it.

apt downloads the package of this machine's release and dpkg unpacks it into the cache: no service is started and the
system is not changed. The release determines the version.
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
    """Return the version that apt would install, from the output of `apt-cache policy`; None if no source has one."""
    found = re.search(r"^\s*Candidate: (\S+)$", policy, re.MULTILINE)
    return found.group(1) if found and found.group(1) != "(none)" else None


def make_prometheus() -> Path:
    """Unpack prometheus and promtool unless they exist; return their folder.

    Once unpacked, they need no network. Unsupported where apt is missing or has no package `prometheus`.
    """
    root = cache_folder() / "prometheus"
    unpacked = sorted(folder for folder in root.glob("*/usr/bin") if _is_complete(folder))
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        if unpacked:
            return unpacked[-1]
        raise Unsupported(
            "Prometheus is unpacked from Debian's package, which needs apt: run this on Debian or Ubuntu."
        )
    version = candidate_version(_policy())
    if version is None and not unpacked:
        with step("updating apt's package lists"):
            run(["apt-get", "update", "-qq"])
        version = candidate_version(_policy())
    if version is None:
        if unpacked:
            return unpacked[-1]
        raise Unsupported("apt has no package `prometheus`: add Debian's component main to its sources.")
    folder = root / _folder_name(version) / "usr" / "bin"
    if not _is_complete(folder):
        with step(f"unpacking Debian's prometheus {version} (20 MB, once)"):
            _unpack(version, root / _folder_name(version))
    return folder


def _policy() -> str:
    return run(["apt-cache", "policy", "prometheus"])


def _is_complete(folder: Path) -> bool:
    return all((folder / name).exists() for name in _PROGRAMS)


def _folder_name(version: str) -> str:
    return re.sub(r"[^\w.+~-]", "_", version)


def _unpack(version: str, target: Path) -> None:
    """Download one version, unpack it, and rename it to `target` once it is complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent, prefix=".unpacking-") as scratch:
        download = ["apt-get", "download", "-qq", f"prometheus={version}"]
        try:
            run(download, folder=Path(scratch))
        except CommandFailed:  # apt's package lists are older than the mirror
            run(["apt-get", "update", "-qq"])
            run(download, folder=Path(scratch))
        (package,) = Path(scratch).glob("*.deb")
        root = Path(scratch) / "root"
        run(["dpkg-deb", "-x", package, root])
        shutil.rmtree(target, ignore_errors=True)
        root.rename(target)
