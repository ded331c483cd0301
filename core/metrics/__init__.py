"""Numbers about embeddings and predictions: numpy and scikit-learn only."""
