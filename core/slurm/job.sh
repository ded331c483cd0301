#!/bin/bash
# What sbatch runs: its own arguments, word by word (the interpreter, the runner's module, a file). Nothing is parsed.
exec "$@"
