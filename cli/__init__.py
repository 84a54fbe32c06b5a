"""The shell's face."""
