"""What client, controller and workers tell each other: plain documents here, sealed ones below."""
