"""A team's model, run where it can do no harm: images in, a file of numbers out."""
