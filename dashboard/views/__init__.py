"""One file per view; each answers one question."""
