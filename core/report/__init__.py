"""The report: figures that were put aside, made again as files for a paper, with their data and how they came about."""
