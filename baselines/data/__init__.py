"""Where the images come from: each module brings one kind of set into memory as bytes."""
