"""Debian base images made from packages, and image builds on top of them."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from llmtrain_kind.commands import run, succeeds
from llmtrain_kind.host import host_mirror
from llmtrain_kind.paths import cache_folder
from llmtrain_kind.progress import step

# A build runs in our namespaces with the machine's names and certificates: chroot
# isolation brings no files of its own.
_BUILD_MOUNTS = ("/etc/ssl/certs", "/etc/resolv.conf")
_PIP_ENVIRONMENT = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT", "PIP_DEFAULT_TIMEOUT")


def make_base(release: str) -> str:
    """Make `localhost/debian:<release>` unless it is there; returns the name."""
    name = f"localhost/debian:{release}"
    if image_exists(name):
        return name
    root = cache_folder() / "build" / f"rootfs-{release}"
    with step(f"making a Debian {release} base image by debootstrap"):
        shutil.rmtree(root, ignore_errors=True)
        root.parent.mkdir(parents=True, exist_ok=True)
        mirror = host_mirror()
        command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", release, root]
        run([*command, mirror] if mirror else command)
        container = run(["buildah", "from", "scratch"]).strip()
        mounted = run(["buildah", "mount", container]).strip()
        run(["cp", "-a", f"{root}/.", mounted])
        run(["buildah", "umount", container])
        run(["buildah", "config", "--cmd", '["/bin/sh"]', container])
        run(["buildah", "commit", "-q", "--rm", container, name])
        shutil.rmtree(root)
    return name


def image_exists(name: str) -> bool:
    """Whether buildah's and podman's common store holds an image."""
    return succeeds(["buildah", "inspect", "--type", "image", name])


def build_image(
    *,
    context: Path,
    dockerfile: Path,
    tag: str,
    arguments: Mapping[str, str],
    target: str | None = None,
) -> None:
    """Build one image; layers that haven't changed are taken from the last build."""
    options: list[str | Path] = ["--layers", "--isolation", "chroot", "--network", "host"]
    for mounted in _BUILD_MOUNTS:
        options += ["-v", f"{mounted}:{mounted}:ro"]
    for key, value in arguments.items():
        options += ["--build-arg", f"{key}={value}"]
    if target:
        options += ["--target", target]
    run(["buildah", "bud", "-q", *options, "-t", tag, "-f", dockerfile, context])


def forwarded_variables(names: Sequence[str] = _PIP_ENVIRONMENT) -> dict[str, str]:
    """This machine's pip settings that a build needs too."""
    return {name: os.environ[name] for name in names if name in os.environ}
