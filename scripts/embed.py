"""``python -m scripts.embed RUN``: Embed all splits with the head of a run."""

from scripts.stages import stage_command

if __name__ == "__main__":
    stage_command("embed", "Embed all splits with the head of a run.")
