"""Judges under test: a simulated one, hostile replies, kills, injected instructions."""
