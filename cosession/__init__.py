"""The roof: settings, composition, and the command line. The only code that knows everything."""
