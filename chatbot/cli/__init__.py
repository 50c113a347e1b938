"""The commands, what they print and read, and the check-up."""
