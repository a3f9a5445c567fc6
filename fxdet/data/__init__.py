"""Data sets: readers of many layouts, split lists, manifests, augmentation, figures and contact sheets."""
