"""How a network learns: the loop, and each choice that the loop asks for in a file of its own."""
