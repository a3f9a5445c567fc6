"""Audit of data sets: duplicates, leakage, shortcuts, files and labels."""
