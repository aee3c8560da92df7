"""Figures of the lung nodule system."""
