"""Laws and noise."""
