"""ENT image to image: classes and their types, relevance in three senses, the vector field."""
