"""Text as terms, sentences and quantities; knows nothing of reports."""
