"""Recognises a model: from names, headers and graphs to a catalogue entry, with the confidence of the match."""
