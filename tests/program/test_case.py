"""case.toml: whatever is wrong with it is one line that names key, value and remedy."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.errors import UsageError
from metasolve.family.family import is_family
from metasolve.program.case import Case
from metasolve.program.case_file import read_case
from metasolve.program.consistency import check_program
from metasolve.program.instances import features, instances
from metasolve.program.start import start
from metasolve.program.training import _config, train_case

PROBLEMS = Path(__file__).resolve().parents[2] / "problems"
LISTS = {"convection_diffusion", "heat"}  # for draw.py: one program for many systems
CASES = sorted(
    path
    for path in PROBLEMS.glob("*/*.toml")
    if path.parent.name not in LISTS and not is_family(path)
)

WRONG = [
    ("command =", "comand =", ["comand=", "did you mean 'command'"]),
    ("rerunnable = true", "rerunable = true", ["rerunable=True", "did you mean 'rerunnable'"]),
    ("timeout = 20", "timeout = -3", ["timeout=-3", "greater than 0"]),
    ("unit =", "units =", ["cost.units='count'", "did you mean 'unit'"]),
    ("tolerance = 1e-4", "", ["accept.tolerance is missing", "add it"]),
    ('{n}"', '{m}"', ["command: {m} is unknown", "known: n, omega"]),
    ("-n {n}", "", ["vary 'n' reaches the program nowhere", "write {n}"]),
    (
        'through = "flags"',
        "",
        ["setting 'omega' reaches the program nowhere", "[settings] through"],
    ),
    ('through = "flags"', 'through = "flag"', ["settings.through='flag'", "'flags'"]),
    ("-n {n}", "-n {n} -omega 1.2", ["setting 'omega' is also in the command", "leave -omega out"]),
    ('name = "omega"', 'name = "n"', ["'n' is in both", "leave it out of one"]),
    ('pattern = "^done"', 'pattern = "(done"', ["success.pattern='(done'", "regular expression"]),
    ("'answer = (\\S+)'", "'answer'", ["accept.pattern='answer' has no group", "(...)"]),
    ("[cost]", '[cost]\ntime = "cpu"', ["cost has several sources", "keep one"]),
    ("'iterations: (\\S+)'", "", ["readable TOML"]),
    ("high = 1.95", "high = 0.5", ["omega: low=0.8 is not below high=0.5", "swap"]),
    ('type = "real"\nlow = 0.8', 'type = "reel"\nlow = 0.8', ["omega: type='reel'", "'real'"]),
    ("rerunnable = true", 'runs = "past.csv"', ["runs='past.csv'", "No such file", "CSV"]),
    ("[settings]", '[[input]]\nfile = "deck"\n[settings]', ["input.file='deck'", "No such file"]),
]


@pytest.mark.parametrize(("old", "new", "told"), WRONG, ids=[" ".join(w[2])[:40] for w in WRONG])
def test_a_wrong_case_is_one_line(script, case_text, old, new, told):
    assert old in case_text
    path = script(case_text.replace(old, new))
    with pytest.raises(UsageError) as caught:
        read_case(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    for part in told:
        assert part in message


def test_a_case_survives_json_and_needs_its_folder_no_more(script, case_text, tmp_path):
    text = case_text.replace(
        "[settings]", '[[input]]\nfile = "deck"\nformat = "template"\n[settings]'
    )
    (tmp_path / "deck").write_text("omega {omega} # {braces}\n")
    case = read_case(script(text))
    again = Case.from_dict(json.loads(json.dumps(case.to_dict())))
    assert again.to_dict() == case.to_dict()
    (tmp_path / "deck").unlink()
    files = start(again, {"n": "7"}, {"omega": 1.25}).files
    assert files == {"deck": "omega 1.25 # {braces}\n"}


def test_a_space_may_be_a_file_of_its_own(script, case_text, tmp_path):
    head, _, rest = case_text.partition("[[space.setting]]")
    setting, blank, tail = rest.partition("\n\n")
    path = script('space = "my.toml"\n' + head + blank + tail)
    with pytest.raises(UsageError, match=r"space file .*my.toml: .*No such file"):
        read_case(path)
    (tmp_path / "my.toml").write_text("[[setting]]" + setting)
    assert [each.name for each in read_case(path).space.settings] == ["omega"]


def test_a_space_given_for_training_is_the_one_that_counts(script, case_text, tmp_path):
    path = script()
    case = read_case(path)
    assert case.space.settings
    assert not case.model_copy(update={"space_": {"setting": []}}).space.settings
    assert not case.model_copy(update={"vary": []}).varies.settings
    (tmp_path / "none.toml").write_text("setting = []\n")
    with pytest.raises(UsageError, match="space has no setting"):
        train_case(path, tmp_path / "model", space=tmp_path / "none.toml")


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_cases_of_problems_hold_together(path):
    case = read_case(path)
    assert case.name.startswith(path.parent.name)
    assert len(instances(case, 8, 0)) == 8


def test_a_missing_program_says_how_to_build_it(script, case_text):
    case = read_case(script('build = "make all"\n' + case_text.replace("./program", "./prog")))
    with pytest.raises(UsageError, match=r"no program './prog.sh'; build it: make all"):
        check_program(case)


def test_instances_are_those_of_the_seed_and_cover_the_range(script):
    case = read_case(script())
    first, again, other = (instances(case, 16, seed) for seed in (1, 1, 2))
    assert [each.id for each in first] == [each.id for each in again]
    assert {each.id for each in first}.isdisjoint(each.id for each in other)
    strata = sorted(int((each.features["n"] - 10) / 68 * 16) for each in first)
    assert strata == list(range(16))


def test_past_runs_are_instances(script, case_text, tmp_path):
    (tmp_path / "past.csv").write_text("n, mode\n1.5d1,slow\n40,fast\n40,fast\n")
    mode = '[[vary]]\nname = "mode"\ntype = "choice"\nvalues = ["slow", "fast"]\n[settings]'
    text = case_text.replace("-n {n}", "-n {n} -mode {mode}").replace("[settings]", mode)
    case = read_case(script('runs = "past.csv"\n' + text))
    found = {each.id: each.features for each in instances(case, 9, 0)}
    assert found == {
        "n=1.5d1 mode=slow": {"n": 15.0, "mode=slow": 1.0, "mode=fast": 0.0},
        "n=40 mode=fast": {"n": 40.0, "mode=slow": 0.0, "mode=fast": 1.0},
    }
    (tmp_path / "past.csv").unlink()
    assert features(Case.from_dict(case.to_dict()), {"n": "3", "mode": "slow"})["n"] == 3.0


@given(value=st.floats(10, 1e5))
def test_a_logarithmic_range_gives_a_logarithmic_feature(value):
    vary = [{"name": "re", "type": "real", "low": 1.0, "high": 1e6, "scale": "log"}]
    case = Case(name="x", command=["x", "{re}"], vary=vary)
    (found,) = features(case, {"re": repr(value)}).items()
    assert found[0] == "log10(re)"
    assert 10 ** found[1] == pytest.approx(value)


def test_a_missing_feature_and_a_word_for_a_number_are_named():
    vary = [{"name": "re", "type": "real", "low": 1.0, "high": 2.0}]
    case = Case(name="x", command=["x", "{re}"], vary=vary)
    with pytest.raises(UsageError, match="feature re is missing; give --feature re=VALUE"):
        features(case, {})
    with pytest.raises(UsageError, match="re='high' is not a number; declare it in"):
        features(case, {"re": "high"})


def test_options_of_training_in_a_case_give_way_to_those_asked_for():
    data = {"name": "c", "command": "true", "train": {"estimator": "sign", "tangents": 3}}
    config = _config(Case.from_dict(data), {"tangents": 1})
    assert (config.estimator, config.tangents) == ("sign", 1)
    with pytest.raises(UsageError, match="estimator"):
        _config(Case.from_dict({**data, "train": {"estimator": "best"}}), {})
    with pytest.raises(UsageError, match=r"train\.estimatr.*estimator"):
        Case.from_dict({**data, "train": {"estimatr": "sign"}})
