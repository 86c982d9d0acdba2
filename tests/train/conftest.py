"""An analytic family of instances: cost in closed form, best settings known."""

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import metasolve
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.space import Choice, Flag, Integer, Real, Space
from metasolve.train.events import read_events


class Analytic:
    """A `Solver` whose log seconds are a smooth function of features and settings.

    Four arms. Which is best, and where its numbers should be, depends on the features; "sor"
    fails on strongly convective instances. Seconds have 5 % noise, drawn by (instance, settings,
    how often they were asked for), so that a run repeats exactly.
    """

    space = Space(
        (
            Choice("pc_type", ("ilu", "jacobi", "sor", "gamg")),
            Integer("levels", 0, 5, default=0, when={"pc_type": ("ilu",)}),
            Real("omega", 0.2, 1.9, default=1.0, when={"pc_type": ("sor",)}),
            Real("threshold", 1e-3, 0.3, "log", default=0.02, when={"pc_type": ("gamg",)}),
            Integer("smooths", 0, 3, default=1, when={"pc_type": ("gamg",)}),
            Flag("square", when={"pc_type": ("gamg",)}),
        )
    )

    def __init__(self, noise=0.05):
        self.noise = noise
        self.asked = {}
        self.known_best = {}

    def log_seconds(self, instance, settings):
        peclet, size, anisotropy = instance.payload
        if not settings:
            settings = {"pc_type": "ilu", "levels": 0}
        pc = settings["pc_type"]
        if pc == "ilu":
            best = 2.0 + 2.0 * anisotropy
            return 0.5 * size + 0.05 * (settings["levels"] - best) ** 2 + 0.2 * peclet
        if pc == "jacobi":
            return 0.6 + 0.6 * size - 0.2 * peclet
        if pc == "sor":
            best = 1.2 + 0.5 * peclet - 0.2 * anisotropy
            return -0.1 + 0.5 * size + 2.0 * (settings["omega"] - best) ** 2
        best = np.log(0.02) + 1.5 * anisotropy
        waste = 0.1 * (np.log(settings["threshold"]) - best) ** 2
        waste += 0.15 * abs(settings["smooths"] - (1 if peclet > 0 else 2))
        return 0.4 + 0.1 * size + waste + (0.2 if settings["square"] == (size > 0) else 0.0)

    def fails(self, instance, settings):
        return settings.get("pc_type") == "sor" and instance.payload[0] > 0.8

    def regret(self, instance, settings):
        """Log time above that of the best settings for this instance."""
        if not settings:
            return self.log_seconds(instance, {}) - self.best(instance)
        if self.fails(instance, settings):
            return 2.0
        return self.log_seconds(instance, settings) - self.best(instance)

    def best(self, instance):
        if instance.id not in self.known_best:
            self.known_best[instance.id] = self.search(instance)
        return self.known_best[instance.id]

    def search(self, instance):
        grid = np.linspace(-1, 1, 41)
        found = np.inf
        for arm in self.space.arms():
            vectors = self.space.to_vector(arm) + self.space.continuous * grid[:, None]
            trials = [self.space.to_settings(z) for z in vectors]
            if arm["pc_type"] == "gamg":
                steps = itertools.product(grid, range(4))
                z = self.space.to_vector(arm)
                trials = []
                for t, smooths in steps:
                    z[self.space.offset("threshold")] = t
                    trials.append({**self.space.to_settings(z), "smooths": smooths})
            costs = [
                self.log_seconds(instance, trial)
                for trial in trials
                if not self.fails(instance, trial)
            ]
            found = min([found, *costs])
        return found

    def solve(self, instance, settings, budget):
        key = (instance.id, tuple(sorted(settings.items())))
        turn = self.asked[key] = self.asked.get(key, 0) + 1
        digest = hashlib.sha256(repr((key, turn)).encode()).digest()
        noise = np.random.default_rng(int.from_bytes(digest[:8], "big")).normal()
        seconds = float(np.exp(self.log_seconds(instance, settings) + self.noise * noise))
        if self.fails(instance, settings):
            return Outcome(Reason.DIVERGED, 50, 50.0, 10.0, 0.0, seconds)
        if budget.seconds is not None and seconds > budget.seconds:
            return Outcome(Reason.TIME_BUDGET, 50, 50.0, 1e-2, 0.0, budget.seconds)
        iterations = 20.0 * np.exp(self.log_seconds(instance, settings))
        return Outcome(
            Reason.CONVERGED, int(np.ceil(iterations)), float(iterations), 1e-6, 0.0, seconds
        )

    @staticmethod
    def instances(count, seed):
        rng = np.random.default_rng(seed)
        made = []
        for number in range(count):
            peclet, size, anisotropy = rng.uniform(-1, 1, 3)
            features = {
                "peclet": 3.0 * peclet + 5.0,
                "log_rows": size + 9.0,
                "diagonal_spread": anisotropy + 0.05 * rng.normal(),
                "mixture": peclet * size + 0.05 * rng.normal(),
                "irrelevant": rng.normal(),
                "ranks": 1.0,
            }
            made.append(Instance(f"i{seed}-{number}", features, payload=(peclet, size, anisotropy)))
        return made


@pytest.fixture(scope="session")
def analytic():
    return Analytic


def lasting(out):
    """What a training left in `out`, without what tells how long something took.

    Left out, by name: of an event `time`, `elapsed` and `wall_seconds`; of an outcome
    `setup_seconds` and `solve_seconds`; of model.json `solver_seconds`, `wall_seconds` and
    `expected` (the seconds a solve may take) with the checksum of the policy.txt that repeats them;
    of policy.txt `expected` and the checksum at its end; and, wherever it is, `ran_on`, which says
    on how many ranks it was.
    """
    events = read_events(out / "events.jsonl")
    for event in events:
        event.pop("time")
        event.pop("elapsed")
        event.pop("wall_seconds", None)
        event.pop("ran_on", None)
        for key in ("setup_seconds", "solve_seconds"):
            event.get("outcome", {}).pop(key, None)
    model = json.loads((out / "model.json").read_text())
    for key in ("solver_seconds", "wall_seconds", "expected", "ran_on"):
        del model[key]
    del model["checksums"]["policy.txt"]
    policy = (out / "policy.txt").read_text().splitlines()
    return {
        "events": events,
        "model": model,
        "policy": [line for line in policy if not line.startswith(("expected ", "sha256 "))],
        "weights": (out / "weights.safetensors").read_bytes(),
    }


@pytest.fixture(scope="session", name="lasting")
def lasting_fixture():
    return lasting


@pytest.fixture(scope="session")
def recording(host, tmp_path_factory):
    """Systems of a program of small time steps, recorded as it ran."""
    pytest.importorskip("petsc4py")
    if shutil.which("mpicc") is None:
        pytest.skip("the plug-in is compiled")
    folder = tmp_path_factory.mktemp("recorded") / "recording"
    metasolve.record([*host("time_steps"), "-n", "12", "-changing_steps", "4"], folder)
    return folder


@pytest.fixture(scope="session")
def training(ranks):
    """`training(recording, out, *words, on=1)`: the command that trains, on so many ranks."""
    program = [sys.executable, "-c", "from metasolve.cli.main import main; main()"]

    def command(recording, out, *words, on=1):
        return ranks([*program, "train", recording, "-o", out, *map(str, words)], on)

    return command


@pytest.fixture(scope="session")
def killed():
    """`killed(command, out, after, by)`: run until so many evaluations are logged, then signal.

    Returns the ended process with what it wrote. By SIGKILL everything it started is killed, as by
    a node that fails; any other signal goes to the command only.
    """

    def run(command, out, after, by=signal.SIGKILL):
        process = subprocess.Popen(
            command, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        )  # fmt: skip
        try:
            wait_for(lambda: logged(out) >= after or process.poll() is not None)
            assert process.poll() is None, process.communicate()
            (os.killpg if by == signal.SIGKILL else os.kill)(process.pid, by)
            stdout, stderr = process.communicate(timeout=300)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)

    return run


def logged(out):
    path = out / "events.jsonl"
    return path.read_text().count('"event": "evaluation"') if path.exists() else 0


def wait_for(condition, seconds=600.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
