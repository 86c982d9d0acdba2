"""The prior: what a solve will take under each of some candidates, before anything is measured."""

from metasolve.prior.candidates import Candidate, read_candidates

__all__ = ["Candidate", "read_candidates"]
