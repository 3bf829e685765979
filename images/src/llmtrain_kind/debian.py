"""Debian base images made from packages by debootstrap, and image builds by buildah."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from llmtrain_kind.commands import run, succeeds
from llmtrain_kind.host import host_mirror
from llmtrain_kind.paths import cache_folder
from llmtrain_kind.progress import step

# Builds run without namespaces of their own, with the machine's resolver and certificates: chroot isolation mounts none.
_BUILD_MOUNTS = ("/etc/ssl/certs", "/etc/resolv.conf")


def make_base(release: str) -> str:
    """Build the image `localhost/debian:<release>` unless it exists; return its name."""
    name = f"localhost/debian:{release}"
    if image_exists(name):
        return name
    root = cache_folder() / "build" / f"rootfs-{release}"
    with step(f"building a Debian {release} base image with debootstrap (about 1 minute, once)"):
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
    """Return whether the image store of buildah and podman has an image."""
    return succeeds(["buildah", "inspect", "--type", "image", name])


def build_image(
    *,
    context: Path,
    dockerfile: Path,
    tag: str,
    arguments: Mapping[str, str],
    target: str | None = None,
) -> None:
    """Build an image; unchanged layers are reused from the last build."""
    options: list[str | Path] = ["--layers", "--isolation", "chroot", "--network", "host"]
    for mounted in _BUILD_MOUNTS:
        options += ["-v", f"{mounted}:{mounted}:ro"]
    for key, value in arguments.items():
        options += ["--build-arg", f"{key}={value}"]
    if target:
        options += ["--target", target]
    run(["buildah", "bud", "-q", *options, "-t", tag, "-f", dockerfile, context])
