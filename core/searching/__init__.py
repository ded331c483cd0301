"""Searching: the worker process of a search, which alone imports optuna."""
