"""In which released version did a cell change? Searched, judged and told; not measured."""
