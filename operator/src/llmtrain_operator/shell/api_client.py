"""Connections to the API server, as the environment and the kubeconfig describe them."""

import os
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration


async def log_in() -> None:
    """Load the pod's service account, or outside of a cluster the kubeconfig."""
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config()  # type: ignore[no-untyped-call]
    else:
        await config.load_kube_config()  # type: ignore[no-untyped-call]


def connect() -> ApiClient:
    """Return a client with connections of its own.

    The proxy of the environment is looked up now. With `trust_env`, each request would look it up, and read a netrc file, in
    another thread, which takes about half of the CPU time of a request.
    """
    configuration = Configuration.get_default_copy()
    configuration.client_session_kwargs = {**(configuration.client_session_kwargs or {}), "trust_env": False}
    configuration.proxy = configuration.proxy or proxy_of(configuration.host)
    return ApiClient(configuration)


def proxy_of(url: str) -> str | None:
    """Return the proxy that the environment names for a URL; None if there is none."""
    parts = urlsplit(url)
    return None if proxy_bypass(parts.netloc.rpartition("@")[2]) else getproxies().get(parts.scheme)
