"""Export: trained folds to one ONNX bundle, with a certificate that nothing was lost."""
