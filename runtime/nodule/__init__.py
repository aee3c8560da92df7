"""Lung nodules by size: text → CT crop. The system is runtime/systems/nodule.py."""
