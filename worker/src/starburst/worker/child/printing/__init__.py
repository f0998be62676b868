"""What tasks print, told apart: marked by their process, read by its worker."""
