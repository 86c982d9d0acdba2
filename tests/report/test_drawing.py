import subprocess
import sys


def test_a_plot_says_nothing_of_how_matplotlib_is_installed():
    """Two versions of it make its import warn."""
    code = (
        "import sys; sys.modules['mpl_toolkits.mplot3d'] = None\n"
        "from metasolve.report.drawing import pyplot\n"
        "print(pyplot().get_backend().lower())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("agg\n", "")
