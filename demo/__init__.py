"""The demo checkpoint: a small text-conditioned flow-matching model, how it was made, and how it is checked."""
