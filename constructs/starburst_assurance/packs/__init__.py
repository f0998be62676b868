"""Other people's rules: cdk-nag's packs and AWS Control Tower's."""
