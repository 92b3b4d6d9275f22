"""The history: the energy of past days, on the card."""
