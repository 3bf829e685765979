"""Which container engine makes the nodes, and from which node image.

STOCK    an engine that reaches an image registry: kind's own node image
OFFLINE  podman and a node image built from packages
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
    """Where the node image comes from."""

    STOCK = "stock"
    OFFLINE = "offline"


@dataclass(frozen=True, kw_only=True)
class Provider:
    """An engine (`docker` or `podman`) and the flavour of cluster it makes."""

    engine: str
    flavour: Flavour

    @property
    def environment(self) -> dict[str, str]:
        """What tells kind to use this engine."""
        return {"KIND_EXPERIMENTAL_PROVIDER": self.engine}


OFFLINE_PROVIDER = Provider(engine="podman", flavour=Flavour.OFFLINE)


def choose_provider() -> Provider:
    """Look at the machine; LLMTRAIN_KIND=stock or =offline decides instead."""
    wanted = os.environ.get("LLMTRAIN_KIND", "")
    if wanted not in ("", *Flavour):
        raise Unsupported(f"LLMTRAIN_KIND is {wanted!r}; it may be `stock` or `offline`.")
    if wanted != Flavour.OFFLINE:
        for engine in running_engines():
            if wanted == Flavour.STOCK or registry_answers(engine):
                return Provider(engine=engine, flavour=Flavour.STOCK)
    if wanted == Flavour.STOCK:
        raise Unsupported("LLMTRAIN_KIND=stock needs Docker or podman: install one and start it.")
    return OFFLINE_PROVIDER


def running_engines() -> list[str]:
    """The engines that are installed and answer."""
    return [engine for engine in ("docker", "podman") if shutil.which(engine) and succeeds([engine, "info"])]


def registry_answers(engine: str) -> bool:
    """Whether an image of a public registry can be had."""
    return succeeds([engine, "manifest", "inspect", STOCK_BASE], timeout_seconds=_REGISTRY_TIMEOUT_SECONDS)
