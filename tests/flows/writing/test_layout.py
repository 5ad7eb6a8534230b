"""flows/writing/layout.py: nodes stand left to right along the edges."""

from hypothesis import given
from hypothesis import strategies as st

from flows.writing.layout import positions


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_an_edge_leads_to_the_right_and_no_two_nodes_stand_in_one_place(pairs: list[tuple[int, int]]) -> None:
    nodes = [str(number) for number in range(10)]
    edges = [(str(min(pair)), str(max(pair))) for pair in pairs if pair[0] != pair[1]]
    placed = positions(nodes, edges)
    assert all(placed[source]["x"] < placed[target]["x"] for source, target in edges)
    assert len({(place["x"], place["y"]) for place in placed.values()}) == len(nodes)


def test_a_cycle_has_an_end() -> None:
    """A flow that is not finished may have one; it is drawn all the same."""
    assert positions(["a", "b"], [("a", "b"), ("b", "a")]).keys() == {"a", "b"}
