"""From paired recordings to laws of connection."""
