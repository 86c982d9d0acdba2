"""Benchmarks: measurements anyone can repeat. None needs PETSc but those that say so."""
