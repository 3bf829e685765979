"""Chooses the container engine of the nodes, and the flavour of the node image.

STOCK    kind's own node image, with an engine that can pull images
OFFLINE  a node image built from packages, with podman
"""

import os
import shutil
from dataclasses import dataclass
from enum import StrEnum

from llmtrain_kind.commands import succeeds
from llmtrain_kind.errors import Unsupported

STOCK_BASE = "debian:trixie-slim"
_REGISTRY_TIMEOUT_SECONDS = 15.0


class Flavour(StrEnum):
    """Origin of the node image."""

    STOCK = "stock"
    OFFLINE = "offline"


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A container engine (`docker` or `podman`), and the flavour of the clusters that it runs."""

    engine: str
    flavour: Flavour

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables that make kind use this engine."""
        return {"KIND_EXPERIMENTAL_PROVIDER": self.engine}


OFFLINE_PROVIDER = Provider(engine="podman", flavour=Flavour.OFFLINE)


def choose_provider() -> Provider:
    """Return the provider that this machine supports, or the one that LLMTRAIN_KIND requests (stock or offline)."""
    requested = os.environ.get("LLMTRAIN_KIND", "")
    if requested not in ("", *Flavour):
        raise Unsupported(f"LLMTRAIN_KIND is {requested!r}; set it to `stock` or `offline`, or unset it.")
    if requested != Flavour.OFFLINE:
        for engine in running_engines():
            if requested == Flavour.STOCK or registry_answers(engine):
                return Provider(engine=engine, flavour=Flavour.STOCK)
    if requested == Flavour.STOCK:
        raise Unsupported("LLMTRAIN_KIND=stock needs Docker or podman: install one and start it.")
    return OFFLINE_PROVIDER


def running_engines() -> list[str]:
    """Return the engines that are installed and running."""
    return [engine for engine in ("docker", "podman") if shutil.which(engine) and succeeds([engine, "info"])]


def registry_answers(engine: str) -> bool:
    """Return whether an engine can read an image of a public registry."""
    return succeeds([engine, "manifest", "inspect", STOCK_BASE], timeout_seconds=_REGISTRY_TIMEOUT_SECONDS)
