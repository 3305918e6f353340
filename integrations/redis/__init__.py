"""What processes share through Redis: signals between them (`seal`, `line`, `signals`), and limits."""
