"""The command line of the benchmarks: one module per benchmark, each with ``register(app)``."""
