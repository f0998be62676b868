"""What travels beside a pickle, once: left out as it is pickled, found where it is loaded."""
