"""Tools around the CDK: images, templates, lint, generated pages, prices at rest."""
