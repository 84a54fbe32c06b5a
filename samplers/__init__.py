"""The mathematics of steps. Imports only torch and the standard library."""
