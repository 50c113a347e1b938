"""Whose request it is, traces and logs."""
