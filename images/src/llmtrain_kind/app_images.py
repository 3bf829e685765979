"""Builds the operator's and the trainer's image, tagged with a hash of their sources.

The large layers (Debian, torch, libraries) depend on the Dockerfile and the lock file alone, so a change of the code
rebuilds one small layer.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from llmtrain_kind.commands import run, succeeds
from llmtrain_kind.content_hash import content_hash, files_below
from llmtrain_kind.debian import build_image, image_exists, make_base
from llmtrain_kind.paths import REPOSITORY, cache_folder
from llmtrain_kind.progress import step
from llmtrain_kind.provider import STOCK_BASE, Flavour, Provider


@dataclass(frozen=True, kw_only=True)
class AppImage:
    """An image of this repository, and the files that it is built from."""

    name: str
    sources: tuple[str, ...]
    on_control_plane: bool = False
    """Whether a DaemonSet runs it, which includes the control plane."""

    @property
    def dockerfile(self) -> str:
        """Return the path of the Dockerfile, relative to the repository."""
        return f"images/{self.name}/Dockerfile"

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Return all paths that the build reads, relative to the repository."""
        lock = f"requirements/{self.name}.lock"
        return tuple(Path(p) for p in (self.dockerfile, lock, "pyproject.toml", *self.sources))

    def reference(self, root: Path) -> str:
        """Return the name and tag of the image for the sources below `root`."""
        return f"localhost/llmtrain-{self.name}:{content_hash(root, self.inputs)}"


APP_IMAGES = (
    AppImage(name="operator", sources=("crds/src", "operator/src"), on_control_plane=True),
    AppImage(name="trainer-cpu", sources=("crds/src", "trainer/src")),
)


def build_app_image(image: AppImage, provider: Provider) -> str:
    """Build an image unless it exists; return its reference.

    The sources are copied first and the copy is hashed, so they can change during the build.
    """
    context = fill_context(image)
    reference = image.reference(context)
    if provider.flavour is Flavour.STOCK:
        if not succeeds([provider.engine, "image", "inspect", reference]):
            with step(f"building {reference}"):
                command = [provider.engine, "build", "-q", "-t", reference]
                command += ["--build-arg", f"BASE={STOCK_BASE}"]
                run([*command, "-f", context / image.dockerfile, context])
    elif not image_exists(reference):
        base = make_base("trixie")
        with step(f"building {reference}"):
            build_image(
                context=context,
                dockerfile=context / image.dockerfile,
                tag=reference,
                arguments={"BASE": base},
            )
    return reference


def fill_context(image: AppImage) -> Path:
    """Copy everything the build reads to a build context in the cache; return its path."""
    context = cache_folder() / "build" / image.name
    shutil.rmtree(context, ignore_errors=True)
    for path in image.inputs:
        for file in files_below(REPOSITORY / path):
            copy = context / file.relative_to(REPOSITORY)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy)
    return context
