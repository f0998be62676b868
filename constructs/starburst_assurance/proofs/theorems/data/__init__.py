"""What keeps data apart: between people, workspaces, areas and keys, in transport and at rest."""
