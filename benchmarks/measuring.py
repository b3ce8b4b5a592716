"""What the benchmarks share: a measurement is a process of its own, and a figure says how busy the machine was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def measured(script: str, *arguments: str, python: str = sys.executable) -> dict[str, Any]:
    """What a script of this folder printed last, in a fresh process."""
    command = [python, str(HERE / script), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def busy() -> str:
    """Cores and load, for the head of a page of figures."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
