"""Nobody gets what is not theirs: every way in, by everybody, cell by cell."""
