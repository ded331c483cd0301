"""The command line: each module parses, builds, calls and reports."""
