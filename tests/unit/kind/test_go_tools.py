"""Versions are read from go.mod, and each tool is built once for its sources."""

from pathlib import Path
from typing import Any

import pytest

from llmtrain_kind import go_tools
from llmtrain_kind.go_tools import kubernetes_version, linker_flags, make_kwok, module_version
from llmtrain_kind.paths import KIND_NODE


def test_a_module_is_not_confused_with_one_of_a_longer_name() -> None:
    go_mod = "require (\n\tk8s.io/kubectl v0.37.1\n\tk8s.io/kube v1.2.3\n)\nrequire a.b/c v0.1.0\n"
    assert module_version(go_mod, "k8s.io/kube") == "v1.2.3"
    assert module_version(go_mod, "a.b/c") == "v0.1.0"
    with pytest.raises(KeyError):
        module_version(go_mod, "k8s.io/kubernetes")


def test_components_report_the_version_in_go_mod() -> None:
    version = kubernetes_version()
    assert f"gitVersion={version}" in linker_flags(version)


def test_kwok_is_built_once_from_a_module_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builds: list[Path] = []

    def run(command: list[Any], *, folder: Path, **_: Any) -> str:
        if command[1] == "build":
            builds.append(folder)
            (Path(command[command.index("-o") + 1]) / "kwok").touch()
        return "go1.26.6"

    monkeypatch.setenv("LLMTRAIN_CACHE", str(tmp_path))
    monkeypatch.setattr(go_tools, "run", run)
    monkeypatch.setattr(go_tools.shutil, "which", lambda _: "/usr/bin/go")
    path = make_kwok()
    assert path.is_file()
    assert make_kwok() == path
    assert builds == [KIND_NODE / "kwok"]
    assert module_version((KIND_NODE / "kwok" / "go.mod").read_text(), "sigs.k8s.io/kwok").startswith("v0.8.")
