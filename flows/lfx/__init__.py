"""Components of the `lfx` package, by the names in its own index. Nothing here imports it before it is needed."""
