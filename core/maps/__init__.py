"""Maps: EmbeddingSets -> coordinates of samples, disease prompts and disease centroids, and how far to believe them."""
