"""What must stay possible: a policy that refuses everything would prove everything else."""
