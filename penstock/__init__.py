"""What people type: the `penstock` command."""
