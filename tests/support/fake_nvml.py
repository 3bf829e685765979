"""Compiles the fake libnvidia-ml.so.1."""

import shutil
import subprocess
from pathlib import Path

import pytest

NAME = "libnvidia-ml.so.1"
SOURCES = Path(__file__).parents[1] / "integration" / "agent" / "fake_nvml"
OPTIONS = ("-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared", f"-Wl,-soname,{NAME}")


def compiled(folder: Path, script: str = "") -> Path:
    """Return a folder with the library; it reads `script` where the environment names none."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.fail(
            "the fake NVML is C and there is no cc: install a C compiler (Debian: apt-get install gcc libc6-dev)."
        )
    defined = [f'-DSCRIPT="{script}"'] if script else []
    sources = map(str, sorted(SOURCES.glob("*.c")))
    subprocess.run([compiler, *OPTIONS, *defined, *sources, "-o", str(folder / NAME)], check=True)
    return folder
