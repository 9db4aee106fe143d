"""Notebooks to clone and change, and how their pictures are drawn. They need `make lab`."""
