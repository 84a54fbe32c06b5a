"""Images side by side: measures, grid and report. Imports samplers/, numpy and Pillow."""
