"""How every part talks to AWS: retries, time-outs, writing once, erasing, and what errors say."""
