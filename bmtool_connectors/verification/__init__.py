"""Checking saved networks: files, structure, and the recipe that tells how edges were made."""
