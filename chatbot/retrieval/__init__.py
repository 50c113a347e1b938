"""A question to its evidence: understanding, hybrid search, filters."""
