"""What may go wrong, made to go wrong: nothing that was acknowledged is lost, nothing is shown that the log lacks.

Reading order: `rounds` (how often something is killed), `scribe` (a program that writes and is killed), `talkers`
(people who say everything again until it is acknowledged), `machines` (the product as one process or several), then the
tests, a fault in each file.
"""
