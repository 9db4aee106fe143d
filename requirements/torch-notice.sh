# Says what is about to be downloaded where PyPI's ordinary torch wheels bring CUDA for nothing.
if [ -z "$1" ] && [ "$(uname -s)" = Linux ] && ! command -v nvidia-smi >/dev/null && [ ! -e /dev/nvidia0 ]
then
  echo "There is no NVIDIA GPU here, and PyPI's ordinary torch wheels for Linux bring gigabytes of CUDA: \
set TORCH_INDEX to the address of an index with CPU wheels to save them, or LIGHT=1 to leave torch out."
fi
