"""What `Watchdog` starts: kills its parent when an alarm that it was given is not taken back.

Argument: the parent's pid. Each line of stdin is JSON: seconds, null to take the alarm back, and
what to say. Ends with its parent. Started by path, without site packages, so as to be small.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys


def main(parent: int) -> None:
    """Watch until stdin ends."""
    buffer, seconds, warning = b"", None, ""
    while True:
        if not select.select([0], [], [], seconds)[0]:
            sys.stderr.write(f"{warning}\n")
            sys.stderr.flush()
            return end(parent)
        new = os.read(0, 2**16)
        if not new:
            return None
        *lines, buffer = (buffer + new).split(b"\n")
        if lines:
            seconds, warning = json.loads(lines[-1])


def end(parent: int) -> None:
    """Kill the parent, if it is still that."""
    if os.getppid() == parent:
        os.kill(parent, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
