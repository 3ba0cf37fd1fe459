"""Train the example runs that ship with the package."""
