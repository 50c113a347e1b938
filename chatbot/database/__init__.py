"""What is kept of the readers: their conversations and what they thought of the answers."""
