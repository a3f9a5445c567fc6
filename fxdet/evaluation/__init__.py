"""Figures with intervals from predictions and labels: classification, boxes, calibration, comparisons. NumPy only."""
