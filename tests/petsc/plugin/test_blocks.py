"""A matrix in blocks is read and preconditioned by an AIJ copy, and left as it is."""

import json

import pytest

GOOD = {"ksp_type": "gmres", "pc_type": "bjacobi", "sub_pc_type": "ilu"}
FORMATS = ["baij", "sbaij", "aijperm", "aijsell"]


def blocks(host, kind, *more):
    wind = "0" if kind == "sbaij" else "1"
    return [*host("blocks"), "-mat_type", kind, "-wind", wind, *more]


def last(done):
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("kind", FORMATS)
def test_it_is_solved_as_its_twin(kind, ranks, host, constant_model, run_with, parse_solves):
    """As many iterations, if each preconditioner is built."""
    model, built = constant_model(**GOOD), {"METASOLVE_REUSE": "off"}
    wind = ["-wind", "0" if kind == "sbaij" else "1"]
    twin, _ = run_with(model, [*host("blocks"), "-mat_type", "aij", *wind], ranks, env=built)
    done, lines = run_with(model, blocks(host, kind), ranks, env=built)
    assert done.returncode == 0, done.stderr
    assert [line["source"] for line in lines] == ["model"] * 3, lines[0]["why"]
    pairs = list(zip(parse_solves(done.stdout), parse_solves(twin.stdout), strict=True))
    assert len(pairs) == 3
    for ours, expected in pairs:
        assert ours.iterations == expected.iterations
        assert ours.residual <= 1e-6
        assert ours.norm == pytest.approx(expected.norm, rel=1e-8)


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("kind", FORMATS)
def test_the_matrix_is_left_as_it_is(kind, ranks, host, constant_model, run_with, run_program):
    command = blocks(host, kind, "-ksp_type", "cg" if kind == "sbaij" else "bcgs")
    own = run_program(command, ranks=ranks)
    done, _ = run_with(constant_model(**GOOD), command, ranks)
    assert last(done) == last(own)
    assert kind in last(done)
    assert "prefix mine_" in last(done)


@pytest.mark.parametrize("kind", ["baij", "sbaij"])
@pytest.mark.parametrize("settings", [{"pc_type": "gamg"}, {"pc_type": "icc"}, {"pc_type": "sor"}])
def test_what_blocks_do_not_have_is_there(
    settings, kind, host, constant_model, run_with, parse_solves
):
    """Multigrid, incomplete Cholesky and sweeps on scalars, with new values in each solve."""
    model = constant_model(ksp_type="cg" if kind == "sbaij" else "gmres", **settings)
    command = [*host("blocks"), "-mat_type", kind, "-wind", "0"]
    done, lines = run_with(model, command)
    assert [line["source"] for line in lines] == ["model"] * 3, lines[0]["why"]
    assert all(line["new_operator"] for line in lines)
    assert all(solve.residual <= 1e-6 for solve in parse_solves(done.stdout))


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("kind", ["baij", "sbaij"])
def test_a_fallback_is_what_the_program_does(
    kind, ranks, host, constant_model, run_with, run_program
):
    stuck = constant_model(ksp_type="richardson", pc_type="none", ksp_richardson_scale="1e-6")
    command = blocks(host, kind)
    done, lines = run_with(stuck, command, ranks)
    assert done.stdout == run_program(command, ranks=ranks).stdout
    assert "fallback" in {line["source"] for line in lines}


@pytest.mark.parametrize("kind", ["baij", "sbaij"])
def test_a_direct_solve_is_one(kind, host, constant_model, run_with, parse_solves):
    """To the backward error that is asked of a factor; one iteration, as the program expects."""
    pc = "cholesky" if kind == "sbaij" else "lu"
    command = blocks(host, kind, "-ksp_type", "preonly", "-pc_type", pc)
    model = constant_model(
        ksp_type="richardson", pc_type="lu", pc_factor_mat_ordering_type="nd", seconds=9.0
    )
    done, lines = run_with(model, command)
    assert {line["contract"] for line in lines} == {"direct"}
    assert [line["source"] for line in lines] == ["model"] * 3, lines[0]["why"]
    assert all(solve.residual < 1e-12 for solve in parse_solves(done.stdout))


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("kind", ["baij", "sbaij"])
def test_its_twin_is_recorded(kind, ranks, host, record_with):
    """The same entries as of the same matrix in AIJ: the hash is of the content."""
    wind = "0" if kind == "sbaij" else "1"
    hashes = []
    for each in (kind, "aij"):
        command = [*host("blocks"), "-mat_type", each, "-wind", wind, "-solves", "2"]
        done, out = record_with(command, ranks)
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
        hashes.append([line["operator"]["hash"] for line in lines if line["kind"] == "solve"][-2:])
    assert len(hashes[0]) == 2
    assert hashes[0] == hashes[1]
