"""SONATA files: names, readers and writers; arrays in, arrays out."""
