"""A comparison's pictures: grid, curve, and the metadata of image files."""
