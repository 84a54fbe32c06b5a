"""The `sweetspot` command."""
