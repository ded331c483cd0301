"""Frozen, keyword-only settings. The same classes make the command line and the form of the train view."""
