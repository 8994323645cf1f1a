"""The door out to BMTK, and the only folder that imports it."""
