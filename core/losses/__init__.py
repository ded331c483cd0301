"""The losses of an objective, each with the value that guessing gives (chance) and the lowest it can reach (floor)."""
