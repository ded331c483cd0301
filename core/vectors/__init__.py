"""Vectors from elsewhere: read, labelled, brought to norm 1, and trained on."""
