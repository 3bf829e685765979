"""The programs that the example jobs run."""
