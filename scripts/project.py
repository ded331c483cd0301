"""``python -m scripts.project RUN``: Draw the 3D map of a run."""

from scripts.stages import stage_command

if __name__ == "__main__":
    stage_command("project", "Draw the 3D map of a run.")
