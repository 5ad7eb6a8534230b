"""One file per command; `penstock.main` says what can be typed."""
