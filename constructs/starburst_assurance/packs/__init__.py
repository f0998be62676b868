"""Third-party rules: cdk-nag's packs and AWS Control Tower's."""
