"""Writes a prior by hand: a forest that says what a test wants."""

import hashlib

import numpy as np

CANDIDATES = {
    "cg+icc0": ("symmetric", ["cg icc -", "cg bjacobi -"], {"ksp_type": "cg", "pc_type": "icc"}),
    "cg+jacobi": ("symmetric", [], {"ksp_type": "cg", "pc_type": "jacobi"}),
    "gmres+hypre": ("any", [], {"ksp_type": "gmres", "pc_type": "hypre"}),
    "gmres+ilu0": (
        "any",
        ["gmres ilu -", "gmres bjacobi -"],
        {"ksp_type": "gmres", "pc_type": "ilu"},
    ),
    "gmres+jacobi": ("any", [], {"ksp_type": "gmres", "pc_type": "jacobi"}),
    "gmres+sor": ("any", [], {"ksp_type": "gmres", "pc_type": "sor"}),
    "lu": ("any", ["preonly lu -"], {"ksp_type": "richardson", "pc_type": "lu"}),
    "lu+mumps": (
        "any",
        ["preonly lu mumps"],
        {"ksp_type": "richardson", "pc_type": "lu", "pc_factor_mat_solver_type": "mumps"},
    ),
    "missing": (
        "any",
        [],
        {"ksp_type": "gmres", "pc_type": "lu", "pc_factor_mat_solver_type": "pastix"},
    ),
    "stuck": (
        "any",
        [],
        {"ksp_type": "richardson", "pc_type": "none", "ksp_richardson_scale": "1e-6"},
    ),
}
PARALLEL = {"icc": "bjacobi", "ilu": "bjacobi"}


def write_prior(folder, names, trees, features, grows=()):
    """Write prior.bin.

    Parameters
    ----------
    trees : each a dict of candidate to ln(seconds per unit of work), one number or those of
        set-up and solve and of solve alone; or (feature, threshold, left, right) of two such dicts.
    grows : of candidates, what both logarithms gain with ten times the rows.
    """
    grows = dict(grows)
    head = ["metasolve-prior 2", f"features 3 {len(features)}", *features]
    head.append(f"candidates {len(names)}")
    for name in names:
        kind, own, settings = CANDIDATES[name]
        pc = PARALLEL.get(settings["pc_type"], settings["pc_type"])
        head += [f"candidate {name} {kind}", f"grows {grows.get(name, 0.0)} {grows.get(name, 0.0)}"]
        head += [f"own {len(own)}", *(f"own {each}" for each in own)]
        for word, chosen in (("serial", settings), ("parallel", {**settings, "pc_type": pc})):
            head += [f"{word} {len(chosen)}", *(f"{key} {value}" for key, value in chosen.items())]
    roots, nodes, leaves = [], [], []

    def leaf(values):
        leaves.append([np.broadcast_to(values[name], 2) for name in names])
        return -len(leaves)

    for tree in trees:
        if isinstance(tree, dict):
            roots.append(leaf(tree))
            continue
        feature, threshold, left, right = tree
        roots.append(len(nodes))
        nodes.append((features.index(feature), threshold, leaf(left), leaf(right)))
    column = [np.array([node[i] for node in nodes]) for i in range(4)]
    data = b"".join(
        [
            np.array(roots, "<i4").tobytes(),
            column[0].astype("<i4").tobytes(),
            column[1].astype("<f4").tobytes(),
            column[2].astype("<i4").tobytes(),
            column[3].astype("<i4").tobytes(),
            np.round(256 * np.array(leaves)).astype("<i2").tobytes(),
        ]
    )
    head += [f"trees {len(roots)} nodes {len(nodes)} leaves {len(leaves)}", f"data {len(data)}", ""]
    whole = "\n".join(head).encode() + data
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(whole).hexdigest()
    (folder / "prior.bin").write_bytes(whole + f"sha256 {digest}\n".encode())
    return folder
