"""The verdict: judges a comparison's runs and finds the smallest step count that is enough."""
