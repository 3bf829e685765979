"""Versions are read from go.mod."""

import pytest

from llmtrain_kind.go_tools import kubernetes_version, linker_flags, module_version


def test_a_module_is_not_confused_with_one_of_a_longer_name() -> None:
    go_mod = "require (\n\tk8s.io/kubectl v0.37.1\n\tk8s.io/kube v1.2.3\n)\nrequire a.b/c v0.1.0\n"
    assert module_version(go_mod, "k8s.io/kube") == "v1.2.3"
    assert module_version(go_mod, "a.b/c") == "v0.1.0"
    with pytest.raises(KeyError):
        module_version(go_mod, "k8s.io/kubernetes")


def test_components_report_the_version_in_go_mod() -> None:
    version = kubernetes_version()
    assert f"gitVersion={version}" in linker_flags(version)
