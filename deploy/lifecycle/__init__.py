"""How an environment comes and goes: deployed, protected, ended, emptied, destroyed."""
