"""Segmentation on series that people have annotated and on real training curves."""
