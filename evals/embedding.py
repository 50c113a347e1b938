"""`make fit-embedding`: fit the local embedding on the shipped reports, and write its file.

Latent semantic analysis of what is embedded for each section, words and character bigrams. The file
is part of the package, so an embedding never changes under an index: who fits anew has every index
made again. The same reports give the same file, but for the last digits another BLAS gives.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from chatbot.config import SEEDS
from chatbot.index.documents import ReportReader
from chatbot.index.embeddings import FITTED_FILE
from chatbot.text.terms import bigrams, words

DIMENSIONS, FEWEST_TEXTS = 256, 2
# Components are kept as one byte each: what that loses is less than what the last of them tell.
_LARGEST = 127


def embedded_texts(folder: Path) -> list[str]:
    """What is embedded for each section of the reports in a folder."""
    documents = ReportReader().load_data(folder)
    return [part["embedded"] for document in documents for part in document.metadata["parts"]]


def fit(texts: Sequence[str], file: Path) -> int:
    """Fit on texts and write the file; returns how many terms it knows."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    documents = [words(text) + bigrams(text) for text in texts]
    vectorizer = TfidfVectorizer(analyzer=list, sublinear_tf=True, min_df=FEWEST_TEXTS)
    matrix = vectorizer.fit_transform(documents)
    rank = min(DIMENSIONS, *matrix.shape)
    components = TruncatedSVD(rank, random_state=0).fit(matrix).components_.T
    scale = np.abs(components).max(axis=0) / _LARGEST
    terms = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__)
    np.savez_compressed(
        file,
        terms=np.frombuffer("\n".join(terms).encode(), np.uint8),
        idf=vectorizer.idf_.astype(np.float16),
        components=np.round(components / scale).astype(np.int8),
        scale=scale.astype(np.float32),
    )
    return len(terms)


if __name__ == "__main__":
    fit(embedded_texts(SEEDS), FITTED_FILE)
