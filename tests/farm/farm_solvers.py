"""Solvers that worker processes can import: they do what their setting `do` says."""

import ctypes
import math
import os
import signal
import time

from metasolve.farm.watchdog import GRACE
from metasolve.solve.outcome import Outcome, Reason


class Misbehaving:
    def __init__(self, comm=None, fail=False):
        if fail:
            raise ValueError("no such solver")
        self.comm, self.count, self.kept = comm, 0, []

    def solve(self, _instance, settings, _budget):
        self.count += 1
        getattr(self, settings.get("do", "answer"), lambda: None)()
        residual = math.nan if settings.get("do") == "nan" else 1e-7
        measured = (self.count, 0.5, residual, 0.0, 0.0, 0.0, (1.0, 0.1))
        return Outcome(Reason.CONVERGED, *measured, message=str(os.getpid()))

    def hang(self):
        libc = ctypes.PyDLL(None)  # holds the interpreter, as a solve in C does
        while True:
            libc.usleep(100_000)

    def sleep(self):
        time.sleep(10 * GRACE)

    def abort(self):
        os.write(2, b"free(): invalid pointer\n--------\n")
        os.abort()

    def segv(self):
        ctypes.string_at(0)

    def vanish(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def leave(self):
        os._exit(7)

    def leak(self):
        self.kept.append(bytearray(os.urandom(1024)) * 20_000)

    def error(self):
        raise KeyError("pc_typo")

    def parallel(self):
        from mpi4py import MPI

        assert MPI.COMM_WORLD.size == 1

    def shout(self):
        os.write(1, b"noise\n")
        os.write(2, b"noise\n" * 400_000)
