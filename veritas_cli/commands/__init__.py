"""Commands of `veritas`, one file each; mechanisms belong in the other folders."""
