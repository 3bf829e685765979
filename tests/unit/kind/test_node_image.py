"""Each image that kubeadm uses is built from a target of Dockerfile.components."""

from llmtrain_kind.node_image import component_targets


def test_every_component_has_a_target() -> None:
    names = ["localhost/kubernetes/coredns:v1", "localhost/kubernetes/pause:3", "l/kube-proxy:v1"]
    assert list(component_targets(names).values()) == ["coredns", "pause", "components"]
