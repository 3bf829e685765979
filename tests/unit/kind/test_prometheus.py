"""Prometheus is unpacked from the package of apt's candidate version, once."""

from pathlib import Path

import pytest

from llmtrain_kind import prometheus
from llmtrain_kind.errors import Unsupported
from llmtrain_kind.prometheus import candidate_version, make_prometheus

POLICY = """\
prometheus:
  Installed: (none)
  Candidate: 2.42.0+ds-5+deb12u1
  Version table:
     2.42.0+ds-5+deb12u1 500
"""


@pytest.mark.parametrize(
    ("policy", "version"),
    [
        pytest.param(POLICY, "2.42.0+ds-5+deb12u1", id="a source has it"),
        pytest.param("prometheus:\n  Installed: (none)\n  Candidate: (none)\n", None, id="no source has it"),
        pytest.param("", None, id="apt's lists are empty"),
    ],
)
def test_the_candidate_version_is_read_from_apt(policy: str, version: str | None) -> None:
    assert candidate_version(policy) == version


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty cache folder."""
    monkeypatch.setenv("LLMTRAIN_CACHE", str(tmp_path))
    return tmp_path


def test_a_machine_without_apt_is_not_supported(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus.shutil, "which", lambda _: None)
    with pytest.raises(Unsupported, match="Debian"):
        make_prometheus()


def test_an_unpacked_version_is_not_downloaded_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cache / "prometheus" / "2.42.0+ds-5+deb12u1" / "usr" / "bin"
    folder.mkdir(parents=True)
    for name in ("prometheus", "promtool"):
        (folder / name).touch()
    calls: list[list[object]] = []
    monkeypatch.setattr(prometheus.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(prometheus, "run", lambda command, **_: calls.append(command) or POLICY)
    assert make_prometheus() == folder
    assert calls == [["apt-cache", "policy", "prometheus"]]
