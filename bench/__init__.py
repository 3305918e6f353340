"""Measurements: real servers on loopback, peers in the same run, figures as ratios."""
