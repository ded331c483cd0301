"""Attention: where in a radiograph lies what moves a score of a run."""
