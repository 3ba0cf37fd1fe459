"""Where the law changes."""
