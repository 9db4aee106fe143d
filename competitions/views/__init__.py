"""The HTML door: thin function views over the verbs."""
