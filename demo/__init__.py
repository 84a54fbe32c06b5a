"""The demo checkpoint, a small text-conditioned flow-matching model, with its training and checks."""
