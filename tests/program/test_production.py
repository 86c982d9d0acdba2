"""`run_program`: the user's command, with settings; never worse than without in what it returns."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from metasolve.errors import ModelError, UsageError
from metasolve.model.directory import save
from metasolve.model.layer import constant_layers
from metasolve.model.model import Model, Standardisation
from metasolve.petsc.launch import is_of_program
from metasolve.program.case import Case
from metasolve.program.case_file import is_case, read_case
from metasolve.program.instances import features, instances
from metasolve.program.matching import match_command
from metasolve.program.production import run_program


def constant_model(path, directory, second=None, expected=None, **settings):
    """A model that always chooses the same settings, familiar with what the case declares.

    `second` is another omega; `expected`, what runs under the program's own settings take.
    """
    case = read_case(path)
    known = instances(case, 16, 0)
    names = list(known[0].features)
    table = np.array([[each.features[name] for name in names] for each in known])
    z = case.space.to_vector(settings)
    layers = constant_layers(len(names), z)
    standardisation = Standardisation.fit(names, table)
    other = None if second is None else case.space.to_vector({**settings, "omega": second})
    info = {"case": case.to_dict()}
    if expected is not None:
        info["expected"] = [float(np.log(expected)), *[0.0] * len(names)]
    model = Model("policy", case.space, standardisation, layers, info)
    save(replace(model, second=other), directory)
    return directory


@pytest.fixture
def production(script, tmp_path, monkeypatch, capfd):
    """`production(words, case, **settings)`: exit code, output and log line of a run."""
    monkeypatch.chdir(tmp_path)

    def run(words, case=None, program=None, options=None, **settings):
        given = {key: text for key, text in (("case", case), ("program", program)) if text}
        model = constant_model(script(**given), tmp_path / "model", **settings)
        code = run_program(model, words, log=tmp_path / "log", **(options or {}))
        out, err = capfd.readouterr()
        return code, out, err, json.loads((tmp_path / "log").read_text().splitlines()[-1])

    return run


def test_settings_are_injected_and_the_run_is_logged(production):
    code, out, err, log = production(["./program.sh", "-n", "40"], omega=1.2)
    assert (code, err) == (0, "")
    assert out == "iterations: 40.000000\nanswer = 40.000000\ndone\n"
    assert log["source"] == "model"
    assert log["settings"] == {"omega": 1.2}
    assert log["features"] == {"n": 40.0}
    assert log["exit_code"] == 0
    assert log["command"] == "./program.sh -n 40"
    assert set(log["seconds"]) == {"decision", "run"}


def test_an_unfamiliar_instance_runs_as_it_is(production):
    code, out, err, log = production(["./program.sh", "-n", "500", "-omega", "1.5"], omega=1.2)
    assert code == 0
    assert "iterations" in out
    assert log["source"] == "refused"
    assert log["settings"] == {}
    assert "n = 500 is outside" in log["why"]
    assert err == f"metasolve: running as it is: {log['why']}\n"


def test_a_feature_that_is_no_number_is_logged_as_null(production, case_text):
    """The logarithm of 0; the run itself is the program's own."""
    case = case_text.replace("low = ", 'scale = "log"\nlow = ', 1)
    code, out, _, log = production(["./program.sh", "-n", "0"], case=case, omega=1.2)
    assert (code, log["source"], log["features"]) == (0, "refused", {"log10(n)": None})
    assert "iterations" in out


def test_a_log_that_cannot_be_written_changes_no_exit_code(production, tmp_path, capfd):
    production(["./program.sh", "-n", "40"], omega=1.2)
    words = ["./program.sh", "-n", "40", "-omega", "2.5"]
    code = run_program(tmp_path / "model", words, log=tmp_path / "nowhere" / "log")
    own = subprocess.run(words, check=False, capture_output=True).returncode
    assert code == own
    assert "cannot write" in capfd.readouterr().err


def test_a_failed_run_is_repeated_as_it_was(production):
    code, out, err, log = production(["./program.sh", "-n", "40"], omega=1.95)
    assert code == 0
    assert out.endswith("answer = 40.000000\ndone\n")
    assert log["source"] == "fallback"
    assert log["why"] == "exit code 3 under the model's settings"
    assert "running again as it is" in err
    assert set(log["seconds"]) == {"decision", "run", "own"}


def test_a_failed_run_is_repeated_under_the_second_choice(production):
    code, out, err, log = production(["./program.sh", "-n", "40"], omega=1.95, second=1.2)
    assert code == 0
    assert out.endswith("answer = 40.000000\ndone\n")
    assert log["source"] == "second"
    assert log["settings"] == {"omega": 1.2}
    assert log["why"] == "exit code 3 under the model's settings"
    assert "running again under the model's second choice" in err
    assert set(log["seconds"]) == {"decision", "run", "second"}


def test_where_that_fails_too_it_is_run_as_it_was(production):
    code, _, err, log = production(["./program.sh", "-n", "40"], omega=1.95, second=1.93)
    assert code == 0
    assert log["source"] == "fallback"
    assert log["why"].count("exit code 3 under the model's settings") == 2
    assert "running again as it is" in err
    assert set(log["seconds"]) == {"decision", "run", "second", "own"}


def test_a_run_whose_output_says_failure_is_repeated(production, case_text):
    program = "#!/bin/sh\n[ $# -gt 2 ] && { echo gave up; exit 0; }\necho done\n"
    code, out, _, log = production(["./program.sh", "-n", "40"], program=program, omega=1.5)
    assert (code, out) == (0, "gave up\ndone\n")
    assert log["source"] == "fallback"
    assert "success.pattern='^done' matches nothing" in log["why"]


def test_what_may_not_be_run_again_is_not(production, case_text):
    case = case_text.replace("rerunnable = true", "rerunnable = false")
    code, out, _, log = production(["./program.sh", "-n", "40"], case, omega=1.95)
    assert (code, out) == (3, "breakdown\n")
    assert log["source"] == "model"
    assert log["exit_code"] == 3


@pytest.mark.parametrize(
    ("expected", "unit", "seconds"),
    [(0.3, "count", 1.2), (0.01, "count", 1.0), (None, "count", 2.0), (0.3, "seconds", 2.0)],
)
def test_a_run_is_stopped_after_four_times_what_it_would_take_by_itself(
    expected, unit, seconds, production, case_text
):
    """A second at the least and the time-out at most, which also counts where a part is timed."""
    case = case_text.replace("timeout = 20", "timeout = 2").replace('"count"', f'"{unit}"')
    program = "#!/bin/sh\n[ $# -gt 2 ] && exec sleep 60\necho done\n"
    words = ["./program.sh", "-n", "40"]
    code, out, _, log = production(words, case, program, expected=expected, omega=1.5)
    assert (code, out) == (0, "done\n")
    assert f"stopped after {seconds:.3g} s" in log["why"]


def test_what_the_user_asks_for_in_so_many_words_stays(production):
    _, out, _, log = production(["./program.sh", "-n", "40", "-omega", "1.5"], omega=1.2)
    assert log["settings"] == {}
    assert log["why"] == "the command sets everything itself"
    assert out.startswith("iterations: 112.0")


def test_features_may_be_given_and_must_be_known(production, tmp_path):
    options = {"features": ["n=50"]}
    _, out, _, log = production(["./program.sh", "-n", "40"], options=options, omega=1.2)
    assert "answer = 40" in out
    assert log["features"] == {"n": 50.0}
    with pytest.raises(UsageError, match="'m=50' is not NAME=VALUE of this program; known: n"):
        run_program(tmp_path / "model", ["./program.sh"], features=["m=50"])


def test_a_command_the_template_cannot_read_runs_as_it_is(production):
    code, out, err, log = production(["./program.sh"], omega=1.2)
    assert (code, log["source"]) == (0, "refused")
    assert "answer = 10" in out
    assert "running as it is: feature n is missing; give --feature n=VALUE" in err


def test_features_do_not_change_the_command(production, case_text):
    case = case_text.replace("-n {n}", "-n {n} -omega {omega}")
    options = {"features": ["n=50"]}
    _, out, _, log = production(["./program.sh"], case, options=options, omega=1.05)
    assert "iterations: 10.000000\nanswer = 10" in out, "the program's own n, omega appended"
    assert log["settings"] == {"omega": 1.05}


def test_a_program_not_found_is_127(production):
    code, _, err, _ = production(["./nothing", "-n", "40"], omega=1.2)
    assert code == 127
    assert err == "metasolve: ./nothing: command not found\n"


def test_a_model_of_a_recording_is_told_apart_and_refused(tmp_path, script):
    directory = constant_model(script(), tmp_path / "model", omega=1.0)
    assert is_of_program(directory)
    assert is_case(tmp_path)
    assert is_case(tmp_path / "case.toml")
    assert not is_case(directory)
    document = json.loads((directory / "model.json").read_text())
    del document["case"]
    (directory / "model.json").write_text(json.dumps(document))
    assert not is_of_program(directory)
    with pytest.raises(ModelError, match="trained on a recording, not on a program"):
        run_program(directory, ["./program.sh"])


def test_the_users_namelist_is_changed_in_a_copy(problem, tmp_path, monkeypatch, capfd):
    path = problem("sor")
    model = constant_model(path, tmp_path / "model", sweep="line_x", omega=1.25)
    case = read_case(path)
    text = case.input[0].text.replace("n = 64", "n = 40").replace("reaction = 0.0", "reaction = 9")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.nml").write_text(text)
    program = case.command[0]
    assert run_program(model, [program, "mine.nml"], log="log") == 0
    (mine,) = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert mine["settings"] == {"sweep": "line_x", "omega": 1.25}
    assert mine["features"]["log10(n)"] == pytest.approx(np.log10(40))
    assert (tmp_path / "mine.nml").read_text() == text
    changed = capfd.readouterr().out
    (tmp_path / "by hand.nml").write_text(text.replace("1.5", "1.25").replace("point", "line_x"))
    by_hand = subprocess.run([program, "by hand.nml"], capture_output=True, text=True, check=True)
    assert changed == by_hand.stdout
    run_program(model, [program], log="log")
    refused = json.loads((tmp_path / "log").read_text().splitlines()[-1])
    assert "input file sor.nml" in refused["why"]
    assert "name it in the command" in refused["why"]


def test_the_users_deck_is_changed_in_a_copy(problem, tmp_path, monkeypatch, capfd):
    path = problem("multigrid")
    model = constant_model(path, tmp_path / "model", smoother="line", cycle="w")
    monkeypatch.chdir(tmp_path)
    deck = "# as measured\ncells 96\nstrength 30\nsmoother jacobi\ndamping 0.7\nsweeps 1\ncycle v\n"
    (tmp_path / "mine.deck").write_text(deck)
    assert run_program(model, [read_case(path).command[0], "mine.deck"], log="log") == 0
    changed = capfd.readouterr().out
    by_hand = deck.replace("jacobi", "line").replace("cycle v", "cycle w")
    (tmp_path / "by hand.deck").write_text(by_hand)
    words = [read_case(path).command[0], "by hand.deck"]
    assert changed == subprocess.run(words, capture_output=True, text=True, check=True).stdout
    log = json.loads((tmp_path / "log").read_text())
    assert log["features"] == {"cells": 96.0, "log10(strength)": pytest.approx(np.log10(30))}


COMMANDS = [
    ("./app -re {re} -n {n}", "mpiexec -n 4 /opt/app -n 32 -re 100 -v", {"re": "100", "n": "32"}),
    ("./app --re={re} size:{n}", "./app size:9 --re=1e3", {"re": "1e3", "n": "9"}),
    ("mpiexec -n 2 ./app {re} {n}", "./app 100 32 extra", {"re": "100", "n": "32"}),
    ("./app {re} {n}", "mpiexec -n 8 ./app 100 32", {"re": "100", "n": "32"}),
    ("./app -re {re} -n {n}", "./app -re 7", {"re": "7"}),
]


@pytest.mark.parametrize(("own", "command", "found"), COMMANDS)
def test_features_are_read_from_the_command(own, command, found):
    vary = [{"name": name, "type": "real", "low": 1.0, "high": 2e3} for name in ("re", "n")]
    case = Case(name="app", command=own, vary=vary)
    assert match_command(case, command.split()).arguments == found
    if len(found) == 2:
        assert features(case, found)["re"] == float(found["re"])


RUN = (
    "import sys; from metasolve.program.production import run_program\n"
    "code = run_program(sys.argv[1], sys.argv[2:])\n"
    "assert not {'torch', 'petsc4py', 'mpi4py', 'scipy', 'matplotlib'} & set(sys.modules)\n"
    "sys.exit(code)"
)


def test_production_imports_neither_torch_nor_petsc(script, tmp_path):
    directory = constant_model(script(), tmp_path / "model", omega=1.2)
    words = [sys.executable, "-c", RUN, directory, "./program.sh", "-n", "40"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_signal_of_the_user_ends_the_run_without_another(script, tmp_path):
    program = "#!/bin/sh\necho $$ > pid; exec sleep 60\n"
    directory = constant_model(script(program=program), tmp_path / "model", omega=1.2)
    words = [sys.executable, "-c", RUN, directory, "./program.sh", "-n", "40"]
    child = subprocess.Popen(words, cwd=tmp_path, env=os.environ)
    for _ in range(2000):
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip():
            break
        time.sleep(0.01)
    time.sleep(0.1)
    child.send_signal(signal.SIGTERM)
    assert child.wait(20) == 128 + signal.SIGTERM
