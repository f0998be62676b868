"""Who signs in, who becomes whom by any chain of roles, and who deploys."""
