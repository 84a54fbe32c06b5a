"""The error for what cannot be identified."""


class UnidentifiedError(Exception):
    """Something that determines a result cannot be identified, so that nothing may be reused for it."""
