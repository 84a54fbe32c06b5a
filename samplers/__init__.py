"""The mathematics of steps. Imports torch and the standard library, nothing else."""
