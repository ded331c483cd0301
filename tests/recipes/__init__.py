"""Figures as they are made again: every recipe, the report, the command line."""
