"""Learned settings for unmodified solvers."""
