"""Evaluation: trials, measures, statistics, the ladder, tuning, reports."""
