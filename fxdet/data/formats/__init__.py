"""Readers from a folder or file to a :class:`~fxdet.data.samples.SampleSet`, one module per format."""

from fxdet.data.formats.recognise import LAYOUTS, open_samples, recognise

__all__ = ["LAYOUTS", "open_samples", "recognise"]
