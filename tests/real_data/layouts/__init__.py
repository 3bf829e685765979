"""Writers of the layouts in which data sets are published. Each takes a folder, and samples by the name of their part."""
