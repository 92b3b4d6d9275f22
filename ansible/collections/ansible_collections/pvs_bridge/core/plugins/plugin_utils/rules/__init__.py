"""Rules that compare variables with each other, one module per topic."""
