"""Everything that touches PETSc: the plug-in, recordings, and the replay of recorded systems.

Importing this package imports neither petsc4py nor MPI; only `replay` and what calls it do.
"""
