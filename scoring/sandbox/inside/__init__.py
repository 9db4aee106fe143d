"""What runs in the sandbox: the only code of `scoring` that imports torch and onnxruntime.

It is loaded once into the warm process, which has nothing of anybody's, and works in the locked
jobs that are forked from it. Nothing outside this folder imports it.
"""
