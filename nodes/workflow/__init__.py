"""Comparing any workflow: its sampling is run again at other step counts by node expansion."""
