"""Driving scenes by text (CARIM): caption elements and late interaction, without torch."""
