"""How clients follow what happens."""
