"""What the roles of ``cdk bootstrap`` may do: derived from templates, for no administrator."""
