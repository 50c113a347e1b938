"""Evidence to a cited, checked answer: extraction or synthesis, citations, verification."""
