"""The ``santun`` command: it parses, calls and prints."""
