"""Reads a MODEL and the graph around it, and applies a plan to a MODEL."""
