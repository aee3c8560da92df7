"""Figures of driving scenes by text (CARIM): what training adds on the phantom drive, and what a query costs."""
