"""How one pass runs a graph: which vertices are ready, what each is built from, and what is stored of it."""
