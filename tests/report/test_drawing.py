import importlib.util
import subprocess
import sys

import pytest

from ..conftest import ROOT


@pytest.mark.parametrize(
    "first",
    [
        "from metasolve.report.drawing import pyplot",
        "from benchmarks.searches import evolution, pyplot; evolution([0, 0], {'verbose': -9})",
    ],
)
def test_nobody_says_how_matplotlib_is_installed(first):
    """Two versions of it make its import warn, whoever imports it."""
    if importlib.util.find_spec("cma") is None:
        pytest.skip("no cma")
    code = (
        "import sys; sys.modules['mpl_toolkits.mplot3d'] = None\n"
        f"{first}\n"
        "print(pyplot().get_backend().lower())"
    )
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("agg\n", "")
