"""What an officer hands on of an environment: its record of processing, its matrix, its SCPs."""
