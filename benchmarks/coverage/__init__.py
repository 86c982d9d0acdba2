"""Coverage: real programs that nobody here wrote, plain and under metasolve, as one table.

`catalogue` lists them; `examine` runs one; `table` shows what came of all.
"""
