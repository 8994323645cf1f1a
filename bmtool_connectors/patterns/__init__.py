"""The connectors, one family per file."""
