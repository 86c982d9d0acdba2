"""What the command says when a case is wrong: one line, an exit code, a remedy."""

import pytest

from metasolve.cli.main import main

WRONG = [
    ('command = "./program.sh -n {n}"', "", 2, "command is missing; add it"),
    ("rerunnable", "rerunable", 2, "did you mean 'rerunnable'"),
    ("./program.sh", "./progam.sh", 2, "no program './progam.sh'"),
    ("low = 0.8\nhigh = 1.95", "low = 0.8\nhgih = 1.95", 2, "hgih"),
    ("iterations: ", "sweeps: ", 1, "cost.pattern="),
    ("answer = (", "result = (", 1, "accept.pattern="),
    ("^done", "^finished", 2, "success.pattern='^finished' matches nothing"),
]


@pytest.mark.parametrize(("old", "new", "code", "told"), WRONG, ids=[row[3] for row in WRONG])
def test_a_wrong_case_ends_training_with_one_line(
    script, case_text, tmp_path, capsys, old, new, code, told
):
    assert old in case_text
    told_in_one_line(script(case_text.replace(old, new)), tmp_path, capsys, code, told)


def test_a_program_that_never_ends_in_time_is_one_line(script, case_text, tmp_path, capsys):
    path = script(case_text.replace("timeout = 20", "timeout = 0.2"), "#!/bin/sh\nsleep 30")
    told_in_one_line(path, tmp_path, capsys, 2, "timeout: stopped after 0.")


def told_in_one_line(path, tmp_path, capsys, code, told):
    with pytest.raises(SystemExit) as stop:
        main(["train", str(path), "-o", str(tmp_path / "model"), "--calls", "40"])
    said = capsys.readouterr().err.strip()
    assert stop.value.code == code, said
    assert told in said
    assert len(said.splitlines()) == 1
    assert ";" in said, "a remedy"
