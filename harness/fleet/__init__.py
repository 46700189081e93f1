"""A fleet: Dask carries jobs to machines and their results back, and does nothing else."""
