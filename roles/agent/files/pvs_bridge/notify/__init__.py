"""Messages to the owner's phone: what is worth one, the queue on the card, and the delivery."""
