"""The tools that made the demo checkpoint: scenes, training, export and checks. Not shipped."""
