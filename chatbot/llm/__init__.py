"""Language models: the client, what goes wrong with servers, prompts, the day's tokens."""
