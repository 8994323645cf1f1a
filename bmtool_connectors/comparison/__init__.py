"""Comparing networks: reading (folder, network), tables, and their differences."""
