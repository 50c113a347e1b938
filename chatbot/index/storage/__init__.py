"""The index on disk: its commit, the reports kept, the lock, and sharing it between machines."""
