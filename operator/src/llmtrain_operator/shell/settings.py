"""Settings of the operator, from its environment. The Helm chart sets them."""

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from llmtrain_api.listening import ANY_IPV4, ANY_IPV6
from llmtrain_api.names import TOKEN_DIRECTORY
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.snapshot import Images
from llmtrain_operator.shell.token_keys import KeyMissingError, TokenKeys


class SettingMissingError(Exception):
    """A setting that has no default is not set or cannot be read, or the key is missing."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings."""

    images: Images
    keys: TokenKeys = field(repr=False)
    """Keys of the tokens of jobs."""
    namespace: str
    """Namespace of the operator itself, which holds its Lease."""
    identity: str
    """Name of this replica."""
    log_level: str = "INFO"
    metrics_port: int = 8080
    health_port: int = 8081
    health_address: str = ANY_IPV4
    """The address of every interface in the family of the pod's address, from which the kubelet probes it."""

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Return the settings in `environment`; SettingMissingError names the first required one that is not set."""

        def required(name: str) -> str:
            if not environment.get(name):
                raise SettingMissingError(f"environment variable {name} is not set; the Helm chart sets it")
            return environment[name]

        try:
            keys = TokenKeys.read(Path(environment.get("LLMTRAIN_KEY_DIRECTORY", TOKEN_DIRECTORY)))
        except KeyMissingError as error:
            raise SettingMissingError(str(error)) from error
        return cls(
            keys=keys,
            images=Images(
                coordinator=required("LLMTRAIN_COORDINATOR_IMAGE"),
                trainer=required("LLMTRAIN_TRAINER_IMAGE"),
                trainer_cpu=required("LLMTRAIN_TRAINER_CPU_IMAGE"),
                pull_policy=environment.get("LLMTRAIN_IMAGE_PULL_POLICY", "IfNotPresent"),
                operator_namespace=required("LLMTRAIN_NAMESPACE"),
                otlp_endpoint=environment.get("LLMTRAIN_OTLP_ENDPOINT", ""),
                coordinator_from=peers_in(environment.get("LLMTRAIN_COORDINATOR_FROM", "")),
            ),
            namespace=required("LLMTRAIN_NAMESPACE"),
            identity=environment.get("LLMTRAIN_POD_NAME") or socket.gethostname(),
            health_address=ANY_IPV6 if ":" in environment.get("LLMTRAIN_POD_IP", "") else ANY_IPV4,
            log_level=environment.get("LLMTRAIN_LOG_LEVEL", "info").upper(),
            metrics_port=int(environment.get("LLMTRAIN_METRICS_PORT", "8080")),
            health_port=int(environment.get("LLMTRAIN_HEALTH_PORT", "8081")),
        )


def peers_in(text: str) -> tuple[Manifest, ...] | None:
    """Return the NetworkPolicy peers in a JSON list; None if there is none, not even an empty one."""
    if not text:
        return None
    try:
        peers = json.loads(text)
    except ValueError:
        peers = None
    if not isinstance(peers, list) or not all(isinstance(peer, dict) for peer in peers):
        raise SettingMissingError(
            "environment variable LLMTRAIN_COORDINATOR_FROM is no JSON list of NetworkPolicy peers"
        )
    return tuple(peers)
