"""The model of driving scenes by text (CARIM): a projection of frozen token states, learned by late interaction."""
