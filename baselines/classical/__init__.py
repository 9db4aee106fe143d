"""The traditional approach: features that people thought of, and a classifier that learns."""
