"""The laboratory: what reproduces the published figures, from a clone. Not part of the wheel.

``python -m benchmarks`` lists the measurements. None needs PETSc but those that say so.
"""
