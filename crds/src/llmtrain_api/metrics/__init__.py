"""The catalogue of metrics: each is declared once, in the module of the program that exports it."""
