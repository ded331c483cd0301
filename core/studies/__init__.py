"""Studies: radiographs, text and findings in one memory-mapped form."""
