"""What more ranks bring to a training: measured here, or simulated for a cluster."""
