"""``python -m scripts.train RUN``: Train the head of a run."""

from scripts.stages import stage_command

if __name__ == "__main__":
    stage_command("train", "Train the head of a run.")
