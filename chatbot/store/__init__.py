"""What is kept of readers: their conversations, and who they are."""
