"""Quantities of interest, each with an interval."""
