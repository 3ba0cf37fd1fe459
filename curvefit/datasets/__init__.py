"""A few real example runs, made by training small models."""
