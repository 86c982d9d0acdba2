"""What a run of an accelerated program leaves behind, and what it adds up to.

Imports neither numpy nor pydantic: `metasolve run` needs to start at once.
"""
