"""Damaged files: every cut, thousands of flipped bits."""
