"""Objects, labels, errors and box arithmetic that every other package hands over. NumPy only."""
