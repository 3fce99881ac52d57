"""A command's process ends at once, with its exit code, its output, and all that was registered for the end."""

from __future__ import annotations

import os
import subprocess
import sys

CLEANED = "class Slow:\n    def __del__(self): print('taken down')\nslow = Slow()\n"


def run(script: str) -> subprocess.CompletedProcess[str]:
    program = f"import atexit, sys, threading, time\nfrom fedbragg.cli.ending import end\n{script}"
    return subprocess.run(
        [sys.executable, "-c", program], text=True, capture_output=True, timeout=60, check=False
    )


def test_the_code_and_the_output_arrive_and_nothing_is_taken_down() -> None:
    found = run(
        f"{CLEANED}atexit.register(print, 'registered')\nsys.stderr.write('e')\nprint('o', end='')\nend(3)"
    )
    assert (found.returncode, found.stdout, found.stderr) == (3, "oregistered\n", "e")


def test_python_ends_a_process_whose_thread_is_at_work() -> None:
    """Its thread is waited for, and then everything is taken down."""
    thread = "threading.Thread(target=lambda: (time.sleep(0.3), print('waited for'))).start()"
    found = run(f"{CLEANED}{thread}\nsys.exit(end(3))")
    assert (found.returncode, found.stdout) == (3, "waited for\ntaken down\n")


def test_a_profiler_reports() -> None:
    found = run("import cProfile\ncProfile.run('end(0)')\nsys.exit(5)")
    assert found.returncode == 5 and "function calls" in found.stdout


def test_a_daemon_thread_is_not_waited_for() -> None:
    thread = "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    assert run(f"{thread}\nend(4)").returncode == 4


def test_a_reader_that_has_left_is_reported_as_python_does() -> None:
    program = (
        "import sys\nfrom fedbragg.cli.ending import end\nsys.stdin.read()\nprint('o')\nsys.exit(end(0))"
    )
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=buffered,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdout.close()
        process.stdin.close()
        report = process.stderr.read()
    assert process.returncode == 120 and b"BrokenPipeError" in report
