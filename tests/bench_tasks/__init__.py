"""Real jobs on real data, a row of a table each: `make bench-tasks`."""
