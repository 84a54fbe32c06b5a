"""What is read from a MODEL and the graph around it, and what a plan does to a MODEL."""
