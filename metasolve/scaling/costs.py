"""What training pays besides its solves, as measured once: the defaults of simulations.

On two shared cores of an AMD EPYC under Open MPI 4.1: `call` by ``metasolve scaling``, worker
process included; `size` as the farm counts it; `pull` and `counter` by drawing from a counter in
the memory of another rank, alone and all at once; `merge`, `serial` and `probe` as CPU time, the
last two with 2,000 evaluations known and 26 coordinates. The network is assumed, not measured: 5 us
per message and 1 GB/s.
"""

from __future__ import annotations

from metasolve.scaling.simulation import Overheads

OVERHEADS = Overheads(
    call=800e-6,
    pull=11e-6,
    counter=3e-6,
    merge=10e-6,
    alpha=5e-6,
    beta=1e-9,
    size=96.0,
    serial=0.8,
    probe=1.4e-3,
)
