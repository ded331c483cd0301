"""Towers: the image and text models of several libraries behind one interface."""
