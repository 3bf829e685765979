"""Packages are pinned by version and content."""

import dataclasses
import re

import pytest

from real_data.packages import BROWN, DESCRIPTIONS, MINILM, PACKAGES, Package, Registry

DIGESTS = {Registry.PIP: r"[0-9a-f]{64}", Registry.APT: r"[0-9a-f]{64}", Registry.NPM: r"sha512-[\w+/]{86}=="}


@pytest.mark.parametrize("package", [each for each in PACKAGES if each is not DESCRIPTIONS], ids=lambda each: each.name)
def test_a_package_has_an_exact_version_and_a_hash(package: Package) -> None:
    assert re.fullmatch(r"[\w.+:-]+", package.version)
    assert re.fullmatch(DIGESTS[package.registry], package.digest)


def test_each_package_has_a_key_of_its_own() -> None:
    assert len({package.key for package in PACKAGES}) == len(PACKAGES)


@pytest.mark.parametrize("changed", [{"version": "9"}, {"digest": BROWN.digest}, {"files": ("*",)}], ids=str)
def test_the_key_changes_with_what_is_unpacked(changed: dict[str, object]) -> None:
    assert dataclasses.replace(MINILM, **changed).key != MINILM.key
