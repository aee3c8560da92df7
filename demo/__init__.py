"""The app: one query, and every stage of its answer side by side."""
