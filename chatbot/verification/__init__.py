"""Claims held against their sources."""
