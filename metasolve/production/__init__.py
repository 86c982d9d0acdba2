"""What a run of an accelerated program leaves behind, and what it adds up to.

What `metasolve run` needs of it imports neither numpy nor pydantic, to start at once.
"""
