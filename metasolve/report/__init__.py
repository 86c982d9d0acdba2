"""Evaluation of a model against its baselines, as a table, JSON and a plot."""
