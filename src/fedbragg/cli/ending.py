"""End the process of a command: at once where nothing has to be waited for."""

from __future__ import annotations

import atexit
import os
import sys
import threading

TRAINING_POOL = "fedbragg.federation.engines.training_pool"
"""Looked up among the loaded modules: importing it would make every command start slowly."""


def end(code: int) -> int:
    """End the process with an exit code; return the code where Python has to end it.

    Python takes down every object of every library, for up to 0.6 s with torch or numba, and frees memory that the
    system would take back anyway. Functions registered with atexit run and output is flushed.
    """
    if _training_runs():
        sys.stdout.flush()
        os._exit(code)  # torch aborts when the interpreter ends while an abandoned training runs
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        return code  # Python waits for them
    if sys.getprofile() is not None or sys.gettrace() is not None:
        return code  # a profiler or debugger has something left to say
    try:
        atexit._run_exitfuncs()  # noqa: SLF001 - os._exit runs none, and there is no other name
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # such as a closed pipe, which Python reports
        return code
    os._exit(code)


def _training_runs() -> bool:
    pool = sys.modules.get(TRAINING_POOL)
    return pool is not None and any(thread.name == pool.THREAD_NAME for thread in threading.enumerate())
