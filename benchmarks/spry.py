"""Benchmark ``spry``: settings split over clients, each perturbing only its own block.

Splitting removes the noise that other blocks' slopes make: variance Σ_B (|B| - 1)‖a_B‖² instead of
(n - 1)‖a‖². Where clients have different tasks it adds a bias, which taking blocks in turn removes
again over a cycle (Panchal et al., arXiv 2405.15551).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metasolve.gradient import Report as ClientReport
from metasolve.gradient import assemble, block_of, consecutive_blocks, mean, slopes, tangents
from metasolve.report.result import Report, Result, Row, Section, panels, save, silent, spread

Array = NDArray[np.float64]
FIXED, CYCLIC, ALL = "own block", "blocks in turn", "every client, every block"
_COLOURS = {FIXED: "#ee6677", CYCLIC: "#4477aa", ALL: "0.4"}


@dataclass(frozen=True)
class Spry:
    """The benchmark's outcome."""

    result: Result

    def plot(self, path: Path) -> None:
        """Variance by number of blocks, distance from the optimum by heterogeneity."""
        variances, biases = (section.rows for section in self.result.sections)
        figure, (left, right) = panels(2)
        shown = variances[:-1]  # blocks of one setting have no variance
        blocks = [row["blocks"] for row in shown]
        left.plot(blocks, [row["predicted"] for row in shown], color="0.4", label="law")
        left.plot(
            blocks, [row["measured"] for row in shown], "o", color="#4477aa", label="measured"
        )
        left.set(xscale="log", yscale="log", xlabel="blocks", ylabel="E‖g - ∇f‖² / ‖∇f‖²")
        left.set_title("Variance of one probe per block", fontsize=10)
        left.legend(fontsize=8)
        for name, colour in _COLOURS.items():
            rows = [row for row in biases if row["assignment"] == name]
            right.plot(
                [row["heterogeneity"] for row in rows],
                [row["mean"] for row in rows],
                "o-",
                color=colour,
                label=name,
            )
        right.set(yscale="log", xlabel="heterogeneity of the clients")
        right.set(ylabel="‖x - x*‖ / ‖x*‖ at the end")
        right.set_title("Bias of clients that differ", fontsize=10)
        right.legend(fontsize=8)
        save(figure, path)


def run(seeds: Sequence[int], *, paper: bool = False, report: Report = silent) -> Spry:
    """Measure variance and bias.

    Parameters
    ----------
    seeds
        Of gradients, tasks and probes.
    paper
        256 settings, 4,000 draws and 4,000 steps instead of 64, 1,000 and 600.
    """
    n, draws = (256, 4_000) if paper else (64, 1_000)
    counts = [2**power for power in range(n.bit_length())]
    variances = []
    for done, count in enumerate(counts):
        report("variance", done, len(counts))
        variances.append(_variance(n, count, draws, seeds))
    biases: list[Row] = []
    for done, heterogeneity in enumerate((0.0, 0.1, 0.3, 1.0)):
        report("bias", done, 4)
        for name in (FIXED, CYCLIC, ALL):
            found = [distance(name, heterogeneity, 4_000 if paper else 600, s) for s in seeds]
            biases.append({"heterogeneity": heterogeneity, "assignment": name, **spread(found)})
    sections = (
        Section(
            f"Relative variance, {n} settings of unequal slope, one probe per block", variances
        ),
        Section("Distance from the common optimum, 4 clients, 4 blocks of 4 settings", biases),
    )
    return Spry(Result("spry", {"seeds": list(seeds), "paper": paper, "n": n}, sections))


def _variance(n: int, count: int, draws: int, seeds: Sequence[int]) -> Row:
    blocks = consecutive_blocks(np.ones(n, dtype=bool), count)
    measured, predicted = [], []
    for seed in seeds:
        # Slopes of very different sizes, as settings have.
        gradient = np.random.default_rng(seed).standard_normal(n) * np.geomspace(1.0, 0.01, n)
        power = np.sum(gradient**2)
        sizes = np.array([(block.sum() - 1) * np.sum(gradient[block] ** 2) for block in blocks])
        predicted.append(float(sizes.sum() / power))
        # Signs are independent from block to block, so one draw serves all blocks.
        V = tangents("rademacher", (seed, count, 0), draws, np.ones(n, dtype=bool))
        found = np.zeros_like(V)
        for block in blocks:
            found[block] = V[block] * slopes(V[block], gradient[block])
        measured.append(float(np.mean(np.sum((found - gradient[:, None]) ** 2, axis=0)) / power))
    row = {"blocks": count, "calls": 2 * count, "measured": float(np.mean(measured))}
    law = float(np.mean(predicted))
    # Extra calls could also repeat the unsplit estimate, whose variance then falls like 1/blocks.
    return {**row, "predicted": law, "unsplit, as many probes": (n - 1) / count}


def distance(assignment: str, heterogeneity: float, steps: int, seed: int) -> float:
    """Relative distance from the optimum of Σ_m f_m after descent from clients' reports.

    f_m(x) = ½(x - b_m)ᵀA_m(x - b_m); A_m and b_m differ from client to client in proportion to
    the heterogeneity.
    """
    n, clients, rng = 16, 4, np.random.default_rng(seed)
    blocks = consecutive_blocks(np.ones(n, dtype=bool), clients)
    A, b = _tasks(n, clients, heterogeneity, rng)
    optimum = np.linalg.solve(A.sum(axis=0), np.einsum("mij,mj->i", A, b))
    x, average = np.zeros(n), np.zeros(n)
    for step in range(steps):
        gradients = np.einsum("mij,mj->mi", A, x - b)
        x = x - 0.05 * _round(assignment, gradients, blocks, seed, step)
        if step >= steps // 2:
            average += x / (steps - steps // 2)
    return float(np.linalg.norm(average - optimum) / np.linalg.norm(optimum))


def _tasks(
    n: int, clients: int, heterogeneity: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Matrices (clients, n, n), positive definite, and centres (clients, n)."""
    roots = rng.standard_normal((n, n)) + heterogeneity * rng.standard_normal((clients, n, n))
    A = 0.5 * np.eye(n) + roots @ roots.swapaxes(1, 2) / (4.0 * n)
    b = rng.standard_normal(n) + heterogeneity * rng.standard_normal((clients, n))
    return A, b


def _round(
    assignment: str, gradients: Array, blocks: NDArray[np.bool_], seed: int, step: int
) -> Array:
    """Gradient estimate (n,) from one round of reports: scalars only, vectors rebuilt."""
    clients, count = len(gradients), len(blocks)
    turn = step if assignment == CYCLIC else 0
    pairs = [(client, block_of(client, turn, count)) for client in range(clients)]
    if assignment == ALL:
        pairs = [(client, block) for client in range(clients) for block in range(count)]
    reports = []
    for client, block in pairs:
        key = (seed, step, client * count + block)
        V = tangents("rademacher", key, 1, blocks[block])
        reports.append(ClientReport(key, block, tuple(slopes(V, gradients[client]))))
    return assemble(reports, blocks, mean)
