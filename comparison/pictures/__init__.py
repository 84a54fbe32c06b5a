"""What a comparison draws: grid, curve, and what image files say of how they were made."""
