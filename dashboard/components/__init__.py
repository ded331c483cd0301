"""Pieces of the page that Streamlit itself does not have."""
