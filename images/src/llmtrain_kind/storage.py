"""The default StorageClass `standard`, whose volumes are folders that every node mounts.

All nodes share one folder of the machine, so claims can be ReadWriteOnce or ReadWriteMany and pods can run on any node.
Sizes are not enforced.
"""

import json
from importlib.resources import files

from llmtrain_kind.kind_config import SHARED_IN_NODE
from llmtrain_kind.kubectl import Kubectl
from llmtrain_kind.node_image import PROVISIONER_IMAGE
from llmtrain_kind.provider import Flavour

VOLUMES_IN_NODE = f"{SHARED_IN_NODE}/volumes"


def provisioner_configuration() -> str:
    """Return the config.json of local-path-provisioner."""
    return json.dumps({"nodePathMap": [], "sharedFileSystemPath": VOLUMES_IN_NODE})


def install_storage(kubectl: Kubectl, flavour: Flavour) -> None:
    """Install the provisioner, or configure that of kind's stock image for the shared folder."""
    if flavour is Flavour.STOCK:
        patch = json.dumps({"data": {"config.json": provisioner_configuration()}})
        settings = ("configmap", "local-path-config", "--type=merge", "-p", patch)
        kubectl.run("-n", "local-path-storage", "patch", *settings)
        return
    template = files("llmtrain_kind").joinpath("storage.yaml").read_text()
    kubectl.apply(template.replace("@IMAGE@", PROVISIONER_IMAGE).replace("@CONFIG@", provisioner_configuration()))


def remove_placeholder(kubectl: Kubectl) -> None:
    """Delete the StorageClass that kind creates on an image without a provisioner."""
    kubectl.run("delete", "storageclass", "standard", "--ignore-not-found")
