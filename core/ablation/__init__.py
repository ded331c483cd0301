"""Ablations: a grid of configurations over seeds, worked off in the background and compared."""
