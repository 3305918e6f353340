"""Everything else that we call or read, each behind a small surface: the records of coding agents."""
