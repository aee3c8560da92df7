"""The systems: each a short file that names its stages."""
