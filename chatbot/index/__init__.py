"""Sections made searchable: terms, embeddings, BM25, Chroma, and the manifest that binds them."""
