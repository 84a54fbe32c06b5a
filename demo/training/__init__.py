"""How the demo checkpoint was made: scenes, training, export, and checks. Not shipped."""
