"""The ENT field's figures: phantoms of held-out patients, real larynx frames, time."""
