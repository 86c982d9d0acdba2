"""What one solve is.

An `instance` is what is to be solved, a `solver` solves it under settings and a budget, the
`outcome` says what came of it, a `course` how the residual fell, and a `cost` makes one number of
that for learning.
"""
