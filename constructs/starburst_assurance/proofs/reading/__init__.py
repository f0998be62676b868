"""From a cloud assembly to policies as typed values."""
