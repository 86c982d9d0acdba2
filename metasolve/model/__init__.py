"""The learned part: meta-model (features to settings), surrogate (settings to cost), their files.

Importing this package imports nothing: `metasolve pin` and `metasolve run` need to start at once.
`allowed` and `pinned` need neither numpy nor torch, `model` and `directory` need numpy,
`meta_model` and `surrogate` need torch.
"""
