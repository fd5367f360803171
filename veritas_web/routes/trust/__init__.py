"""Pages about the freshness of the data and the quality of the model."""
