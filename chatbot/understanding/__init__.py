"""A question and its history to a query."""
