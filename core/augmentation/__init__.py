"""Random changes to radiographs: numbers are drawn once, without torch, and applied by torch or by numpy alike."""
