"""What is known about models: catalogue, recognition, plans. Imports the standard library and `graphs/`."""
