"""What makes a figure again: which figure, of which runs, seen how. Views, reports and the command line draw by it."""
