"""What others do for the same job, to be measured beside us."""
