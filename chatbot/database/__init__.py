"""The database itself: its tables, opening it, and bringing it to this version."""
