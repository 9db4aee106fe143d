"""The commands, by what one does with them; each is thin and calls a module of the same name."""
