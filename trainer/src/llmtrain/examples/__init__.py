"""Programs that the example job files run."""
