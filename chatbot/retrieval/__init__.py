"""A query to its evidence."""
