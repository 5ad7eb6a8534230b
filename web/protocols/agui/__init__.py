"""The protocols `agui` and `agui-interrupt` (contract 3.2 and 4.6): the log told as AG-UI 1.0 events."""
