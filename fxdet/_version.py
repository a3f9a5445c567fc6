"""Version of the package; a leaf, so that anyone may read it."""

__version__ = "0.1.0"
