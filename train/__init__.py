"""Training: data preparation, the ten folds, and their checkpoints. Needs requirements-train.txt."""
