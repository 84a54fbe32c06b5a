"""Finding a model's best schedule for few steps, by trying them out."""
