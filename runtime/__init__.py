"""Retrieval with a ten-fold dual encoder on onnxruntime and usearch; never imports torch."""
