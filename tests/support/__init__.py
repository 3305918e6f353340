"""Real servers and a real browser for tests: started once, on free ports of this machine, and always ended."""
