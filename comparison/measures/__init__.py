"""How alike two images are, and what one looks like by itself."""
