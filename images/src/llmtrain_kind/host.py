"""Prepares the machine for nodes in podman, idempotently.

Only for the offline flavour, as root on Debian or a derivative. It changes: packages, one file in /etc/containers,
/lib/modules (an empty folder if absent), controllers of cgroup2 mounted as version 1, two `unreachable` routes and one rule.
"""

import os
import re
import shutil
from pathlib import Path

from llmtrain_kind.commands import run, succeeds
from llmtrain_kind.errors import Unsupported
from llmtrain_kind.network import POD_RANGE, SERVICE_RANGE
from llmtrain_kind.progress import step

_PACKAGES = {
    "podman": "podman",
    "buildah": "buildah",
    "crun": "crun",
    "skopeo": "skopeo",
    "debootstrap": "debootstrap",
    "iptables": "iptables",
    "ip": "iproute2",
    "/usr/lib/podman/netavark": "netavark",
    "/usr/lib/podman/aardvark-dns": "aardvark-dns",
}
_CONTAINERS_CONF = Path("/etc/containers/containers.conf.d/llmtrain-kind.conf")
# Podman's default limits can exceed the hard limits, which needs CAP_SYS_RESOURCE.
# netavark with aardvark-dns lets nodes resolve each other; the older CNI backend doesn't.
_CONTAINERS_CONF_TEXT = """\
[containers]
default_ulimits = ["nofile=16384:16384", "nproc=32768:32768"]
[network]
network_backend = "netavark"
"""
_CGROUPS = Path("/sys/fs/cgroup")


def prepare_host() -> None:
    """Install and configure what kind's nodes need in podman. Unsupported without root or apt."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Unsupported(
            "No container engine here reaches an image registry: install and start Docker "
            "(then kind's own node image is used), or run this as root on Debian 12."
        )
    _install_packages()
    Path("/lib/modules").mkdir(exist_ok=True)  # kind mounts it into every node
    if not _CONTAINERS_CONF.exists() or _CONTAINERS_CONF.read_text() != _CONTAINERS_CONF_TEXT:
        _CONTAINERS_CONF.parent.mkdir(parents=True, exist_ok=True)
        _CONTAINERS_CONF.write_text(_CONTAINERS_CONF_TEXT)
    _mount_cgroup_controllers()
    _block_outgoing_traffic()


def missing_packages() -> list[str]:
    """Return the Debian packages whose program is missing."""
    return [
        package
        for program, package in _PACKAGES.items()
        if shutil.which(program) is None and not Path(program).exists()
    ]


def _install_packages() -> None:
    missing = missing_packages()
    if not missing:
        return
    with step(f"installing Debian packages: {' '.join(missing)}"):
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update", "-qq"], environment=quiet)
        run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
            environment=quiet,
        )


def _mount_cgroup_controllers() -> None:
    """Mount each controller of a hybrid cgroup2 hierarchy as version 1; otherwise crun refuses to start containers."""
    owned = _CGROUPS / "unified" / "cgroup.controllers"
    if not owned.exists():
        return
    for controller in owned.read_text().split():
        folder = _CGROUPS / controller
        folder.mkdir(exist_ok=True)
        if not os.path.ismount(folder):
            run(["mount", "-t", "cgroup", "-o", controller, "cgroup", folder])


def _block_outgoing_traffic() -> None:
    """Reject pod and service traffic that matches no other route, so that it never leaves this machine."""
    for address_range in (SERVICE_RANGE, POD_RANGE):
        run(["ip", "route", "replace", "unreachable", address_range])
    if f"from {POD_RANGE}" not in run(["ip", "rule", "show"]):
        run(["ip", "rule", "add", "from", POD_RANGE, "priority", "102", "unreachable"])


def release_host() -> None:
    """Remove the routes, the rule and the network once no cluster is left; packages stay."""
    for address_range in (SERVICE_RANGE, POD_RANGE):
        succeeds(["ip", "route", "del", "unreachable", address_range])
    succeeds(["ip", "rule", "del", "from", POD_RANGE, "priority", "102"])
    succeeds(["podman", "network", "rm", "kind"])


def debian_mirror(sources: str, codename: str) -> str | None:
    """Return the mirror of a Debian release in apt's sources, None if there is none.

    Reads both formats: one-line (`deb URL bookworm main`) and deb822 stanzas.
    """
    one_line = re.search(rf"^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+{codename}\s+(?:.*\s)?main\b", sources, re.MULTILINE)
    if one_line:
        return one_line.group(1)
    for stanza in re.split(r"\n\s*\n", sources):
        fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*)$", stanza, re.MULTILINE))
        if codename in fields.get("Suites", "").split() and "main" in fields.get("Components", ""):
            return str(fields["URIs"].split()[0])
    return None


def host_mirror() -> str | None:
    """Return the Debian mirror of this machine; None leaves the choice to debootstrap."""
    folder = Path("/etc/apt")
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    release = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.M)
    if release is None:
        return None
    texts = "\n\n".join(file.read_text() for file in files if file.is_file())
    return debian_mirror(texts, release.group(1))
