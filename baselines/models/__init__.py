"""What the model is: every architecture in a file of its own, and the pieces they share."""
