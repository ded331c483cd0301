"""``python -m scripts.evaluate RUN``: Judge a run on the test split and measure its space."""

from scripts.stages import stage_command

if __name__ == "__main__":
    stage_command("evaluate", "Judge a run on the test split and measure its space.")
