"""Which model this is: from names, headers and graphs to a catalogue entry and how sure that is."""
