"""Figures: pure functions of arrays to Plotly figures, and their export."""
