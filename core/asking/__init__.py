"""Find by text: words in, a vector of a run's space out, through a process that stays warm."""
