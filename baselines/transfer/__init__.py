"""Transfer learning: a network that has seen a million photos learns the classes of yours."""
