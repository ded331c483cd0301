"""Run -> arrays -> figure: what a view shows and what ``scripts.export`` writes are made by the same functions."""
