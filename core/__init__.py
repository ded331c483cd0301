"""Fluoroscope: the embedding space of radiograph-text models, measured and drawn."""
