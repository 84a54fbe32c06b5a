"""Settings from elsewhere: official templates, your own presets, other tools."""
