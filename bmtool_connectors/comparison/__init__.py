"""The parts of ``compare``: reading (folder, network), tables, and their differences."""
