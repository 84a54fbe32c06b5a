"""The verdict: how a comparison's runs are judged, and what the smallest step count that is enough is."""
