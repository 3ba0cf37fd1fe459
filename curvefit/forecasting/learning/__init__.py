"""Sharpen the pool's gate on a user's own finished runs."""
