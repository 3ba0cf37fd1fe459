"""A log becomes runs."""
