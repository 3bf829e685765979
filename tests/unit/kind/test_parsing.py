"""Reading go.mod, apt's sources and names of images."""

import pytest

from llmtrain_kind.go_tools import kubernetes_version, linker_flags, module_version
from llmtrain_kind.host import debian_mirror
from llmtrain_kind.node_image import component_targets


def test_a_module_is_not_mistaken_for_one_with_a_longer_name() -> None:
    go_mod = "require (\n\tk8s.io/kubectl v0.37.1\n\tk8s.io/kube v1.2.3\n)\nrequire a.b/c v0.1.0\n"
    assert module_version(go_mod, "k8s.io/kube") == "v1.2.3"
    assert module_version(go_mod, "a.b/c") == "v0.1.0"
    with pytest.raises(KeyError):
        module_version(go_mod, "k8s.io/kubernetes")


def test_components_report_the_version_that_go_mod_names() -> None:
    version = kubernetes_version()
    assert f"gitVersion={version}" in linker_flags(version)


@pytest.mark.parametrize(
    ("sources", "mirror"),
    [
        ("deb http://mirror.example/debian bookworm main\n", "http://mirror.example/debian"),
        ("deb [signed-by=/k] http://m.example bookworm contrib main\n", "http://m.example"),
        (
            "Types: deb\n# a comment\nURIs: http://d.example/debian\n"
            "Suites: bookworm bookworm-updates\nComponents: main\n",
            "http://d.example/debian",
        ),
        ("deb http://other.example/apt stable main\n", None),
        ("Types: deb\nURIs: http://s.example\nSuites: bookworm-security\nComponents: main\n", None),
    ],
)
def test_the_mirror_is_the_one_that_serves_the_release(sources: str, mirror: str | None) -> None:
    assert debian_mirror(sources, "bookworm") == mirror


def test_every_component_has_a_target_of_the_dockerfile() -> None:
    names = ["localhost/kubernetes/coredns:v1", "localhost/kubernetes/pause:3", "l/kube-proxy:v1"]
    assert list(component_targets(names).values()) == ["coredns", "pause", "components"]
