"""A real headless browser: Debian's Chromium, installed by apt where it is missing."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--virtual-time-budget=10000",
)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A page after its scripts ran."""

    dom: str
    errors: tuple[str, ...]
    """Console errors, including requests blocked by the page's CSP."""

    def section(self, key: str) -> str:
        """Return the section of one chart."""
        found = re.search(rf'<section id="{key}">.*?</section>', self.dom, re.DOTALL)
        assert found, f"no section {key}"
        return found.group()


def chromium() -> str:
    """Return the program, after installing it if needed and possible."""
    if shutil.which("chromium") is None:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            pytest.fail("there is no chromium: install it (Debian: apt-get install chromium).")
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", words[0], "-qq", *words[1:]], check=True, env=quiet, capture_output=True)
    return "chromium"


def open_page(file: Path, folder: Path, picture: Path) -> Opened:
    """Open a file, run its scripts, and take a screenshot; `folder` is for the browser's own files."""
    program = chromium()
    own = [*FLAGS, f"--user-data-dir={folder / 'profile'}"]
    address = file.resolve().as_uri()
    shown = subprocess.run(
        [program, *own, "--dump-dom", address], capture_output=True, text=True, timeout=60, check=True
    )
    picture.parent.mkdir(parents=True, exist_ok=True)
    photograph = [program, *own, f"--screenshot={picture}", "--window-size=1200,5200", address]
    subprocess.run(photograph, capture_output=True, timeout=60, check=True)
    errors = tuple(line for line in shown.stderr.splitlines() if "CONSOLE" in line)
    return Opened(dom=shown.stdout, errors=errors)
