"""Evidence to a cited, checked answer: quoted, or written by a model."""
