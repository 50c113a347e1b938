"""What goes into prompts, what may leave, and how much is taken in."""
