"""Recordings of PETSc solves: training on them, learned guesses for them, evaluation on them."""
