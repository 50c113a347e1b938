"""How good the chatbot is: datasets, metrics and statistics, offline."""
