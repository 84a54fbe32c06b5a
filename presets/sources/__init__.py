"""Settings from elsewhere: official templates, the user's own presets, other tools."""
