"""One comparison, whichever engine runs it: rounds, measures, verdict, pictures and report.

Imports samplers/, numpy and Pillow.
"""
