"""One run per company at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from leadrole.errors import AlreadyRunningError
from leadrole.lock import single_run

HOLD = "import sys, time; from pathlib import Path; from leadrole.lock import single_run\n"
HOLD += "with single_run(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)\n"


def test_a_second_run_ends_at_once_and_names_the_first(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with (
            pytest.raises(AlreadyRunningError, match=f"process {holder.pid}") as caught,
            single_run(tmp_path),
        ):
            pass
        assert caught.value.exit_code == 8
    finally:
        holder.kill()
        holder.wait()


def test_the_lock_of_a_killed_run_is_free(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    holder.kill()
    holder.wait()
    with single_run(tmp_path):
        pass
