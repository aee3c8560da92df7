"""Training of the lung nodule system: LIDC-IDRI's contours, phantom CT drawn from them, a compact dual encoder."""
